#!/bin/sh
# fio 3.33 (Debian 12), nbdkit 1.32.5: the histogram ends at 17.1 s. Every slower I/O is in its last bin, so all
# percentiles read 17.1 s while min, mean and max are right.
# Why it surprises: during an outage of a storage cluster I/Os of 30 s and more are usual; p50 is then below min.
# Seen, a disk of 19 s for each read: min 19.0 s, every percentile 17112760320 ns.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 nbdkit=1.32.5-1 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
nbdkit=$(echo "$dir"/usr/lib/*/nbdkit)
usr/bin/nbdkit -U "$dir/disk" -P "$dir/pid" -t 64 --filter="$nbdkit/filters/nbdkit-delay-filter.so" \
    "$nbdkit/plugins/nbdkit-memory-plugin.so" 64M rdelay=19
trap 'kill "$(cat pid)"; rm -rf "$dir"' EXIT
nbd="--ioengine=nbd --uri=nbd+unix:///?socket=$dir/disk"

usr/bin/fio --output-format=json --output=out.json --name=job $nbd --rw=randread --bs=4k --number_ios=1
python3 - <<'EOF'
import json
text = open("out.json").read()
clat = json.loads(text[text.index("{"):])["jobs"][0]["read"]["clat_ns"]
print("min", clat["min"] / 1e9, "s, percentiles", set(clat["percentile"].values()))
assert clat["min"] > 19e9
assert set(clat["percentile"].values()) == {17_112_760_320}
EOF
