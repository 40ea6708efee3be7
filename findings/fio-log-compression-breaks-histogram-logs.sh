#!/bin/sh
# fio 3.33 (Debian 12): write_hist_log with log_compression writes lines that hold no histogram, but one number of
# another kind in the place of the direction.
# Why it surprises: the same two options work together for the logs of bandwidth, IOPS and latency; exit code 0.
# Seen with log_hist_coarseness=6: lines of 32 fields without, of 5 fields with log_compression=64k.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
for more in '' log_compression=64k; do
    printf '[job]\nioengine=null\nrw=read\nsize=1M\nrate_iops=1000\ntime_based\nruntime=1\nwrite_hist_log=h%s\nlog_hist_msec=200\nlog_hist_coarseness=6\n%s\n' \
        "$more" "$more" >job.fio
    usr/bin/fio --output=out.txt job.fio
done
python3 - <<'EOF'
seen = {more: {line.count(",") + 1 for line in open(f"h{more}_clat_hist.1.log")} for more in ("", "log_compression=64k")}
print(seen)
assert seen[""] == {32} and seen["log_compression=64k"] != {32}
EOF
