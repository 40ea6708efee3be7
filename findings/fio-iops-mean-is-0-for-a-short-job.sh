#!/bin/sh
# fio 3.33 (Debian 12): iops_mean, iops_min, iops_max and bw_mean come from samples of half a second; a job that is
# shorter has none, and they are 0 beside a right iops.
# Why it surprises: 0 is a rate. Phases that end by size or number_ios are often that short on a fast disk.
# Seen, 2000 reads at 10000 IOPS: iops 10000, iops_mean 0, iops_samples 0, bw_mean 0.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
usr/bin/fio --output-format=json --output=out.json --name=job --ioengine=null --size=1G --rw=read --bs=4k \
    --rate_iops=10000 --number_ios=2000
python3 - <<'EOF'
import json
read = json.load(open("out.json"))["jobs"][0]["read"]
seen = {name: read[name] for name in ("iops", "iops_mean", "iops_min", "iops_max", "iops_samples", "bw_mean")}
print(seen)
assert seen.pop("iops") > 1000
assert not any(seen.values())
EOF
