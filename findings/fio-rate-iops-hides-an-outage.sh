#!/bin/sh
# fio 3.33 (Debian 12), nbdkit 1.32.5: with rate_iops, fio catches up after the disk has stood still: the I/Os that
# were missed follow as fast as the disk can, and iops is what was asked for.
# Why it surprises: rate_iops is a limit, one thinks. A disk that answered nothing for 4 of 10 s reports its full rate;
# only the largest latency tells.
# Seen, a disk that stands still for 4 s, rate_iops=100: iops 99.9, clat max 4.0 s.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 nbdkit=1.32.5-1 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
nbdkit=$(echo "$dir"/usr/lib/*/nbdkit)
usr/bin/nbdkit -U "$dir/disk" -P "$dir/pid" -t 64 --filter="$nbdkit/filters/nbdkit-delay-filter.so" \
    "$nbdkit/plugins/nbdkit-memory-plugin.so" 64M rdelay=1ms
trap 'kill "$(cat pid)"; rm -rf "$dir"' EXIT
nbd="--ioengine=nbd --uri=nbd+unix:///?socket=$dir/disk"

(sleep 3; kill -STOP "$(cat pid)"; sleep 4; kill -CONT "$(cat pid)") &
usr/bin/fio --output-format=json --output=out.json --name=job $nbd --rw=randread --bs=4k --iodepth=8 \
    --rate_iops=100 --time_based --runtime=10
wait
python3 - <<'EOF'
import json
read = json.load(open("out.json"))["jobs"][0]["read"]
print("iops", read["iops"], "clat max", read["clat_ns"]["max"] / 1e9, "s")
assert read["clat_ns"]["max"] > 3.5e9
assert read["iops"] > 95, "not 60"
EOF
