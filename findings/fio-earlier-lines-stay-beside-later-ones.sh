#!/bin/sh
# fio 3.33 (Debian 12): what an option was set to before may stay, though a later line sets it anew. filename adds
# up: [global] with filename=a and a job with filename=b gives that job two files with half of size each, and the
# same name twice gives one file of half the size. A percentage of size or offset stays beside later bytes.
# Why it surprises: all other options of a job replace those of [global], so a job "on a file of its own" is not.
# Seen, with size=1M: files a and b of 524288 bytes; filename=c twice: c has 524288; size=10% then size=1M on a file
# of 1 MiB: 102400 bytes are written; offset=50% then offset=0 on 2 MiB: the write begins at 1048576.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
job() { printf '[global]\nioengine=psync\nrw=write\n%b[job]\n%b' "$1" "$2" >job.fio; usr/bin/fio --output="$3" --output-format=json job.fio; }
job 'size=1M\nfilename=a\n' 'filename=b\n' two.json
job 'size=1M\nfilename=c\n' 'filename=c\n' one.json
truncate -s 1M d && job 'size=10%\nfilename=d\n' 'size=1M\n' share.json
truncate -s 2M e && job 'size=1M\nfilename=e\noffset=50%\n' 'offset=0\n' place.json
python3 - <<'EOF'
import json, os
files = {name: os.path.getsize(name) for name in "abc"}
written = json.load(open("share.json"))["jobs"][0]["write"]["io_bytes"]
first_half_is_empty = open("e", "rb").read(1 << 20) == bytes(1 << 20)
print(files, written, first_half_is_empty)
assert files == {"a": 524288, "b": 524288, "c": 524288}
assert written == 102400
assert first_half_is_empty
EOF
