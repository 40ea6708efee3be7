#!/bin/sh
# fio 3.33 (Debian 12): 4KiB is 4000 bytes, and 4k, 4kB and 4KB are 4096: the two families of units are swapped, unless
# kb_base=1000 is set, which swaps them back.
# Why it surprises: a profile with bs=4KiB, the exact unit by IEC, writes blocks that are aligned to no disk's sectors.
# Seen, bytes of one read: 4k 4096, 4kB 4096, 4KiB 4000, 4Ki 4096; with kb_base=1000: 4k 4000, 4kB 4000, 4KiB 4096.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
for base in 1024 1000; do for size in 4k 4kB 4KiB; do
    usr/bin/fio --output-format=json --output=$base-$size.json --name=job --ioengine=null --kb_base=$base \
        --size=1M --rw=read --bs=$size --number_ios=1
done; done
python3 - <<'EOF'
import json
seen = {
    (base, size): json.load(open(f"{base}-{size}.json"))["jobs"][0]["read"]["io_bytes"]
    for base in (1024, 1000) for size in ("4k", "4kB", "4KiB")
}
print(seen)
assert [seen[1024, size] for size in ("4k", "4kB", "4KiB")] == [4096, 4096, 4000]
assert [seen[1000, size] for size in ("4k", "4kB", "4KiB")] == [4000, 4000, 4096]
EOF
