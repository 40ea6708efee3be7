#!/bin/sh
# fio 3.33 (Debian 12): with group_reporting, two sections without stonewall or new_group between them are one entry of
# the JSON, under the name of the first.
# Why it surprises: the section is in the file, under its own name and with other settings, and the name is nowhere in
# the result; its IOPS and latencies are merged into those of a job of another kind.
# Seen, "reader" at 100 and "writer" at 300 IOPS: one entry "reader", read 100.9 and write 299.9 IOPS.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
cat >job.fio <<'EOF'
[global]
ioengine=null
size=1G
time_based
runtime=2
group_reporting

[reader]
rw=randread
rate_iops=100

[writer]
rw=write
rate_iops=300
EOF
usr/bin/fio --output-format=json --output=out.json job.fio
python3 - <<'EOF'
import json
jobs = json.load(open("out.json"))["jobs"]
print([(job["jobname"], round(job["read"]["iops"], 1), round(job["write"]["iops"], 1)) for job in jobs])
assert [job["jobname"] for job in jobs] == ["reader"]
assert jobs[0]["write"]["iops"] > 2 * jobs[0]["read"]["iops"] > 0
EOF
