#!/bin/sh
# Ceph 16.2.15 (Debian 12), one monitor, one manager, one OSD: a client writes objects of 512 bytes, and what the pool counts is
# asked for as soon as it has ended, and until it does not change any more.
# Why it surprises: a pool's counters look like an exact witness, and are one; but each I/O below a KiB counts as a whole one, so
# that the bandwidth is twice what the client did, and they are up to seven seconds late: who reads them before and after a
# benchmark of ten seconds is off by more than half.
# Seen: 1635 writes of 512 bytes; at once 339 of them with 347,136 bytes, 4 s later all, with 1,675,264: 1024 for each.
set -eu
dir=$(mktemp -d) && cd "$dir" && mkdir -p debs/partial run mgr osd
end() { kill $(cat pid.* 2>/dev/null) 2>/dev/null || true; sleep 1; rm -rf "$dir"; }
trap end EXIT
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall --no-install-recommends \
    ceph-base=16.2.15* ceph-mon=16.2.15* ceph-mgr=16.2.15* ceph-mgr-modules-core=16.2.15* ceph-osd=16.2.15* \
    ceph-common=16.2.15* >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" root; done
PATH=$dir/root/usr/bin:$PATH && export PATH PYTHONPATH="$dir/root/usr/lib/python3/dist-packages"
LD_LIBRARY_PATH=$(find "$dir/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
lib=$dir/root/usr/lib/x86_64-linux-gnu
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
fsid=$(cat /proc/sys/kernel/random/uuid)
cat >ceph.conf <<EOF
[global]
fsid = $fsid
mon_host = v2:127.0.0.1:$port/0
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
mon_data = $dir/mon
mgr_data = $dir/mgr
osd_data = $dir/osd
run_dir = $dir/run
log_file = $dir/run/\$name.log
admin_socket =
bluestore_block_size = 4294967296
osd_class_dir = $lib/rados-classes
erasure_code_dir = $lib/ceph/erasure-code
plugin_dir = $lib/ceph
mgr_module_path = $dir/root/usr/share/ceph/mgr
osd_crush_chooseleaf_type = 0
osd_pool_default_size = 1
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_data_avail_warn = 1
auth_allow_insecure_global_id_reclaim = false
EOF
export CEPH_CONF="$dir/ceph.conf"
monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$port/0]" monmap >/dev/null
ceph-mon -i a --mkfs --monmap monmap >/dev/null 2>&1
ceph-mon -f -i a >mon.out 2>&1 & echo $! >pid.mon
ceph-osd -i 0 --mkfs --no-mon-config --osd-uuid 9f1c0f5e-8a2b-4a5e-9d2c-0d9b6a1f3c55 >osd.out 2>&1
ceph --connect-timeout 30 osd new 9f1c0f5e-8a2b-4a5e-9d2c-0d9b6a1f3c55 0 >/dev/null
ceph-mgr -f -i x >mgr.out 2>&1 & echo $! >pid.mgr
ceph-osd -f -i 0 >>osd.out 2>&1 & echo $! >pid.osd
ceph --version
python3 - <<'EOF'
import json, re, subprocess, time

def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout

def count():
    (pool,) = (one for one in json.loads(run("rados", "df", "--format", "json"))["pools"] if one["name"] == "counted")
    return pool["write_ops"], pool["write_bytes"]

ends = time.monotonic() + 90
while json.loads(run("ceph", "--format", "json", "osd", "stat")).get("num_up_osds") != 1:
    assert time.monotonic() < ends
    time.sleep(1)
run("ceph", "osd", "pool", "create", "counted", "8", "8")
said = run("rados", "-p", "counted", "bench", "6", "write", "-b", "512", "-t", "2", "--no-cleanup")
done = int(re.search(r"Total writes made: +([0-9]+)", said)[1])
began, first = time.monotonic(), count()
last, changed = first, began
while time.monotonic() < changed + 12:
    time.sleep(0.5)
    if (now := count()) != last:
        last, changed = now, time.monotonic()
print(f"{done} writes of 512 bytes; at once {first}, {changed - began:.0f} s later {last}")
# One or two more: what the benchmark notes of itself.
assert done <= last[0] <= done + 4 and first[0] < done
assert last[1] >= 1024 * done
EOF
