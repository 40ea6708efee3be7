#!/bin/sh
# QEMU 7.2 (Debian 12), fio 3.33: a throttle-group of 100 IOPS over a sparse file, exported by qemu-nbd. Reads of
# areas that were never written are answered from the map of holes and never reach the throttle.
# Why it surprises: a disk that is an exact 100 IOPS oracle once it is written answers tens of thousands before. Who
# tests a limit with a fresh image tests nothing.
# Seen, 3 s at depth 8: 318 reads of a written image, 224600 of a sparse one.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 qemu-utils >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
truncate -s 16M hole.img
head -c 16M /dev/urandom >data.img
for image in hole data; do
    usr/bin/qemu-nbd -t -k "$dir/$image" --fork --pid-file=$image.pid --object throttle-group,id=limit,x-iops-total=100 \
        --image-opts driver=throttle,throttle-group=limit,file.driver=file,file.filename=$image.img
    usr/bin/fio --output-format=json --output=$image.json --name=job --ioengine=nbd \
        --uri="nbd+unix:///?socket=$dir/$image" --rw=randread --bs=4k --iodepth=8 --time_based --runtime=3
    kill "$(cat $image.pid)"
done
usr/bin/qemu-nbd --version | head -n 1
python3 - <<'EOF'
import json
seen = {}
for name in ("hole", "data"):
    text = open(name + ".json").read()
    seen[name] = json.loads(text[text.index("{"):])["jobs"][0]["read"]["total_ios"]
print(seen)
assert seen["data"] < 400
assert seen["hole"] > 2000
EOF
