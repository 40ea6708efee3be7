#!/bin/sh
# fio 3.33 (Debian 12): with rate_iops, a fio that stands still (a guest that is paused, or without CPU) makes up for it
# afterwards, and nothing in its answer tells: no I/O was in flight, so the largest latency is short as well.
# Why it surprises: after a disk that stood still the largest latency tells. Here only the log of completions does.
# Seen, stopped for 3 of 8 s, rate_iops=100: iops 100.0, lat max some ms, 3.1 s between two lines of the log.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH

usr/bin/fio --thread --output-format=json --output=out.json --name=job --filename=file --size=8m --rw=randread --bs=4k \
    --rate_iops=100 --time_based --runtime=8 --lat_percentiles=1 --write_hist_log=log --log_hist_msec=200 &
sleep 3
kill -STOP $!
sleep 3
kill -CONT $!
wait
python3 - <<'EOF'
import json
read = json.load(open("out.json"))["jobs"][0]["read"]
ends = [int(line.split(",")[0]) for line in open("log_clat_hist.1.log")]
gap = max(b - a for a, b in zip(ends, ends[1:]))
print("iops", read["iops"], "lat max", read["lat_ns"]["max"] / 1e6, "ms, longest time between two lines", gap, "ms")
assert read["iops"] > 95, "not 63"
assert read["lat_ns"]["max"] < 1e9
assert gap > 2500
EOF
