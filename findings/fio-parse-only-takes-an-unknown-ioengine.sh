#!/bin/sh
# fio 3.33 (Debian 12): --parse-only accepts an ioengine that does not exist, without a word and with exit code 0.
# Why it surprises: --parse-only refuses an unknown option or rw value, so one takes its 0 for "fio can run this";
# the engine is loaded only when the job runs, and then fio refuses.
# Seen: --parse-only exits with 0, the run with 1 and "engine libiao not loadable".
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
printf '[a]\nioengine=libiao\nrw=read\nsize=1M\n' >job.fio
usr/bin/fio --parse-only job.fio >parse.txt 2>&1
[ ! -s parse.txt ]
if usr/bin/fio job.fio >run.txt 2>&1; then exit 1; fi
grep 'engine libiao not loadable' run.txt
