#!/bin/sh
# fio 3.33 (Debian 12): with fdatasync=1 the JSON's sync.total_ios is 0 although sync.lat_ns.N counts every call;
# with fsync=1 both agree.
# Why it surprises: who asks total_ios whether there was any sync throws the commit latency of a database away.
# Seen, 256 writes: fsync total_ios 255, N 255; fdatasync total_ios 0, N 255 (the last write is not synced).
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
for how in fsync fdatasync; do
    usr/bin/fio --output-format=json --output=$how.json --name=job --ioengine=psync --filename=file --size=1M \
        --rw=write --bs=4k --$how=1
done
python3 - <<'EOF'
import json
seen = {}
for how in ("fsync", "fdatasync"):
    sync = json.load(open(how + ".json"))["jobs"][0]["sync"]
    seen[how] = sync["total_ios"], sync["lat_ns"]["N"]
print(seen)
assert seen == {"fsync": (255, 255), "fdatasync": (0, 255)}
EOF
