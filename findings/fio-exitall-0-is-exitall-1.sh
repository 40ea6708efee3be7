#!/bin/sh
# fio 3.33 (Debian 12): exitall=0 is exitall=1. The option is a flag whose value is not looked at.
# Why it surprises: stonewall=0, new_group=0 and time_based=0 do turn these flags off.
# Seen: of a job of 1 s beside one of 3 s, the longer one runs 3.0 s without the option, and 1.0 s with exitall=0.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
for more in '' exitall=0; do
    printf '[global]\nioengine=null\nrw=read\nsize=1M\ntime_based\nrate_iops=100\n%s\n[short]\nruntime=1\n[long]\nruntime=3\n' \
        "$more" >job.fio
    usr/bin/fio --output="out$more.json" --output-format=json job.fio
done
python3 - <<'EOF'
import json
seen = {more: json.load(open(f"out{more}.json"))["jobs"][1]["read"]["runtime"] for more in ("", "exitall=0")}
print(seen)
assert seen[""] > 2900 and seen["exitall=0"] < 2000
EOF
