#!/bin/sh
# fio 3.33 (Debian 12): a whole-number option with a fraction keeps the digits before the point and drops the rest, the
# unit too, with no word and exit code 0: bs=1.5k is 1 byte, rate=1.5M is 1 byte/s, rate_iops=2.5k is 2 IOPS.
# Why it surprises: 1.5G is how one writes a size to qemu-img or Kubernetes. fio refuses a letter it does not know
# (bs=1q), so a value that it takes seems understood.
# Seen: one read of bs=1.5k has 1 byte; rate_iops=2.5k reads 8 blocks in 4 s.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
usr/bin/fio --output-format=json --output=bs.json --name=job --ioengine=null --size=1M --rw=read --bs=1.5k \
    --number_ios=1 2>>err.txt
usr/bin/fio --output-format=json --output=rate.json --name=job --ioengine=null --size=1M --rw=read --bs=4k \
    --rate_iops=2.5k --time_based --runtime=4 2>>err.txt
python3 - <<'EOF'
import json
size, rate = (json.load(open(name + ".json"))["jobs"][0]["read"] for name in ("bs", "rate"))
print("bs=1.5k:", size["io_bytes"], "byte; rate_iops=2.5k:", rate["total_ios"], "reads in 4 s")
assert size["io_bytes"] == 1
assert 4 <= rate["total_ios"] <= 10
assert open("err.txt").read() == ""
EOF
