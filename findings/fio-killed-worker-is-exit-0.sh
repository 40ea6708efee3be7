#!/bin/sh
# fio 3.33 (Debian 12): one of four workers is killed; fio exits 0, and its JSON says error 0 for the group.
# Why it surprises: a quarter of the load was missing, as after the OOM killer, and the result looks complete. Only
# job_runtime, the sum of the workers' times, is a worker short (and total_ios keeps I/Os that io_bytes has not).
# Seen: exit 0, stderr "fio: pid=20495, got signal=9", error 0, job_runtime 9001 for 4 x 3000 ms.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends fio=3.33-3 >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
usr/bin/fio --output-format=json --output=out.json --name=job --ioengine=null --size=1G --rw=read --rate_iops=200 \
    --numjobs=4 --group_reporting --time_based --runtime=4 2>err.txt &
fio=$!
workers() { ps -o pid= --ppid "$fio" | wc -l; }
for _ in $(seq 100); do [ "$(workers)" -lt 4 ] || break; sleep 0.05; done
sleep 1
kill -9 "$(ps -o pid= --ppid "$fio" | head -n 1)"
wait "$fio"
cat err.txt
python3 - <<'EOF'
import json
text = open("out.json").read()
job = json.loads(text[text.index("{"):])["jobs"][0]
print("error", job["error"], "job_runtime", job["job_runtime"], "for", 4 * 4000, "ms")
assert job["error"] == 0
assert 11_500 <= job["job_runtime"] <= 14_000, "three workers"
EOF
