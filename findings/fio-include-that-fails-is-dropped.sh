#!/bin/sh
# fio 3.33 (Debian 12): an include of a file that is not there is dropped. --parse-only exits with 0, and the run does
# so too if the job's file has to be laid out first; if the file is there, the same job ends after one I/O with exit 1.
# Why it surprises: the first run on a new volume measures another load than the profile says, and passes.
# Seen, the same job twice: exit 0 and 256 reads, then exit 1 and 1 read; stderr "Error 1 while parsing include file".
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
printf '[a]\nioengine=libaio\nfilename=disk\nrw=randread\nsize=1M\ninclude block-size.fio\n' >job.fio
usr/bin/fio --parse-only job.fio >/dev/null 2>&1
for run in first second; do
    code=0; usr/bin/fio --output-format=json --output=$run.json job.fio 2>err.txt || code=$?
    echo $code >$run.code
    grep 'Error 1 while parsing include file' err.txt
done
python3 - <<'EOF'
import json
seen = []
for run in ("first", "second"):
    text = open(run + ".json").read()
    reads = json.loads(text[text.index("{"):])["jobs"][0]["read"]["total_ios"]
    seen.append((int(open(run + ".code").read()), reads))
print("exit code, reads:", seen)
assert seen == [(0, 256), (1, 1)]
EOF
