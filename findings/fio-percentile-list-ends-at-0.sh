#!/bin/sh
# fio 3.33 (Debian 12): a 0 in percentile_list ends the list; what stands after it is dropped, with exit code 0 and no
# word on stderr.
# Why it surprises: 0 is a percentile (the minimum), the list is sorted by fio anyway, and p99 is simply not there.
# Seen, percentile_list=50:0:99: only 50.000000.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
usr/bin/fio --output-format=json --output=out.json --name=job --ioengine=null --size=1M --rw=read --bs=4k \
    --percentile_list=50:0:99 2>err.txt
python3 - <<'EOF'
import json
found = list(json.load(open("out.json"))["jobs"][0]["read"]["clat_ns"]["percentile"])
print(found)
assert found == ["50.000000"]
assert open("err.txt").read() == ""
EOF
