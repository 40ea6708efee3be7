#!/bin/sh
# fio 3.33 (Debian 12): rate_iops holds for each direction of a job, so rate_iops=500 on a 70/30 mix gives 500 reads
# and 500 writes a second.
# Why it surprises: the total is twice what was asked, and the mix of the profile is 50/50 without a word.
# Seen, 3 s of randrw with rwmixread=70, rate_iops=500: 1500 reads and 1501 writes.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
usr/bin/fio --output-format=json --output=out.json --name=job --ioengine=null --size=1G --rw=randrw --rwmixread=70 \
    --bs=4k --rate_iops=500 --time_based --runtime=3
python3 - <<'EOF'
import json
job = json.load(open("out.json"))["jobs"][0]
reads, writes = job["read"]["total_ios"], job["write"]["total_ios"]
print("reads", reads, "writes", writes)
assert 0.45 < reads / (reads + writes) < 0.55, "not 0.7"
EOF
