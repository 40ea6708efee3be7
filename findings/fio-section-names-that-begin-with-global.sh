#!/bin/sh
# fio 3.33 (Debian 12): every section whose name begins with "global" is a global section; [Global] is a job.
# Why it surprises: [global-mix] looks like a job. It does not run, and its options reach the sections after it. Other
# ini readers compare the whole name, or ignore case.
# Seen: [global-mix] with bs=64k, then [a]: one job "a" of 16 reads for 1 MiB; with [Global]: jobs "Global" and "a".
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
for name in global-mix Global; do
    printf '[%s]\nioengine=null\nrw=read\nsize=1M\nbs=64k\n[a]\nioengine=null\nrw=read\nsize=1M\n' $name >$name.fio
    usr/bin/fio --output-format=json --output=$name.json $name.fio
done
python3 - <<'EOF'
import json
seen = {
    name: [(job["jobname"], job["read"]["total_ios"]) for job in json.load(open(name + ".json"))["jobs"]]
    for name in ("global-mix", "Global")
}
print(seen)
assert seen == {"global-mix": [("a", 16)], "Global": [("Global", 16), ("a", 256)]}
EOF
