#!/bin/sh
# fio 3.33 (Debian 12), nbdkit 1.32.5: with ramp_time, the I/Os that are in flight when the ramp ends are left out of
# total_ios and iops, but counted in io_bytes, bw and the latencies' N.
# Why it surprises: iops x block size is not the bandwidth of the same row. The slower the device and the deeper the
# queue, the further they are apart: one of them is wrong, and nothing says which.
# Seen, a disk of 500 ms for each read, depth 32: total_ios 320, N 351, io_bytes / 4096 351; iops 63.9, bw / 4k 70.1.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 nbdkit=1.32.5-1 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
nbdkit=$(echo "$dir"/usr/lib/*/nbdkit)
usr/bin/nbdkit -U "$dir/disk" -P "$dir/pid" -t 64 --filter="$nbdkit/filters/nbdkit-delay-filter.so" \
    "$nbdkit/plugins/nbdkit-memory-plugin.so" 64M rdelay=500ms
trap 'kill "$(cat pid)"; rm -rf "$dir"' EXIT
nbd="--ioengine=nbd --uri=nbd+unix:///?socket=$dir/disk"

usr/bin/fio --output-format=json --output=out.json --name=job $nbd --rw=randread --bs=4k --iodepth=32 \
    --time_based --ramp_time=2 --runtime=5
python3 - <<'EOF'
import json
read = json.load(open("out.json"))["jobs"][0]["read"]
print("total_ios", read["total_ios"], "N", read["clat_ns"]["N"], "io_bytes/4096", read["io_bytes"] / 4096)
assert read["clat_ns"]["N"] == read["io_bytes"] / 4096
assert 24 <= read["clat_ns"]["N"] - read["total_ios"] <= 32, "the I/Os in flight"
EOF
