#!/bin/sh
# fio 3.33 (Debian 12): a job with stonewall does not wait for an earlier job whose startdelay has not passed.
# Why it surprises: stonewall is "wait for all jobs before this one". Here the third section runs before the second,
# so two phases of a profile that should follow each other are swapped or overlap.
# Seen: "two" (startdelay 4) begins 4.0 s after "one", and "three" (stonewall, startdelay 1) 2.2 s after "one".
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
cat >job.fio <<'EOF'
[global]
ioengine=null
size=1G
rw=read
rate_iops=100
time_based
runtime=1
write_iops_log=job
log_unix_epoch=1

[one]

[two]
startdelay=4

[three]
stonewall
startdelay=1
EOF
usr/bin/fio --output-format=json --output=out.json job.fio
python3 - <<'EOF'
starts = [int(open(f"job_iops.{n}.log").readline().partition(",")[0]) for n in (1, 2, 3)]
print("two begins", starts[1] - starts[0], "ms after one, three", starts[2] - starts[0], "ms")
assert starts[2] < starts[1], "three should be last"
EOF
