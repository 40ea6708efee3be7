#!/bin/sh
# fio 3.33 (Debian 12): with --output-format=json and --output=FILE, fio's own messages are written into FILE before
# the JSON: after a SIGTERM the file is "\nfio: terminating on signal 15\n{ ...".
# Why it surprises: the file that was asked for as JSON is not JSON. And what follows is a complete result with error
# 0: the text in front is the only sign that it was cut short.
# Seen: exit 128, error 0, json.load() fails at the first line.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
usr/bin/fio --output-format=json --output=out.json --name=job --ioengine=null --size=1G --rw=read --rate_iops=100 \
    --time_based --runtime=60 &
fio=$!
sleep 3
kill -TERM $fio
code=0; wait $fio || code=$?
python3 - $code <<'EOF'
import json, sys
text = open("out.json").read()
before = text[:text.index("{")]
print("exit", sys.argv[1], repr(before))
assert sys.argv[1] == "128"
assert "terminating on signal 15" in before
assert json.loads(text[len(before):])["jobs"][0]["error"] == 0
EOF
