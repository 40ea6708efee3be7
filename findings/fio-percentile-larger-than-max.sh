#!/bin/sh
# fio 3.33 (Debian 12): a percentile is the middle of its histogram bin and is not bounded by max, so it can be larger
# than max (or smaller than min).
# Why it surprises: "p50 <= max" is the first check that one writes for a latency row, and valid results break it.
# Seen, a single read: min 7953, max 7953, p50 7968.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
usr/bin/fio --output-format=json --output=out.json --name=job --ioengine=null --size=1G --rw=read --bs=4k \
    --number_ios=1 --percentile_list=50 --numjobs=32
python3 - <<'EOF'
import json
rows = [job["read"]["clat_ns"] for job in json.load(open("out.json"))["jobs"]]
above = [(row["max"], row["percentile"]["50.000000"]) for row in rows if row["percentile"]["50.000000"] > row["max"]]
print(len(above), "of", len(rows), "medians of one read are above max, for instance", above[:1])
assert len(rows) == 32
assert all(row["N"] == 1 for row in rows)
assert above
EOF
