#!/bin/sh
# fio 3.33 (Debian 12): with steadystate, the I/Os of ss_ramp_time are in all totals; those of ramp_time are not.
# Why it surprises: both are a ramp before the figures count, and the warm-up that one wanted out is in the result.
# Seen, 1000 IOPS, ss_ramp 3 s + ss_dur 3 s: total_ios 6898; ramp_time 3 s + runtime 3 s: total_ios 3000.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
job="--name=job --ioengine=null --size=1G --rw=read --bs=4k --rate_iops=1000 --time_based"
usr/bin/fio --output-format=json --output=steady.json $job --runtime=30 --steadystate=iops:50% --ss_ramp=3 --ss_dur=3
usr/bin/fio --output-format=json --output=ramp.json $job --runtime=3 --ramp_time=3
python3 - <<'EOF'
import json
steady, ramp = (json.load(open(name + ".json"))["jobs"][0] for name in ("steady", "ramp"))
print("ss_ramp", steady["read"]["total_ios"], "ramp_time", ramp["read"]["total_ios"])
assert steady["steadystate"]["attained"] == 1
assert 5500 < steady["read"]["total_ios"] < 8500
assert 2800 < ramp["read"]["total_ios"] < 3200
EOF
