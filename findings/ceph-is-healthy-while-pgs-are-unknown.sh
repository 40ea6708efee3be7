#!/bin/sh
# Ceph 16.2.15 (Debian 12), one monitor, one manager, one OSD: a pool is made, and the state of its placement groups (PGs) is asked
# for until all are active. The cluster says HEALTH_OK from the first moment on.
# Why it surprises: HEALTH_OK is what scripts wait for after they have made a pool. While its PGs are unknown or being created, no
# I/O of it is answered: a benchmark that begins then measures the making of the pool.
# Seen: HEALTH_OK with {'unknown': 32}, {'active+clean': 5, 'creating+peering': 11, 'unknown': 16} and the like, 1 to 3 s long.
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
import json, subprocess, time

def ceph(*words):
    return subprocess.run(["ceph", "--format", "json", *words], capture_output=True, text=True).stdout

def status():
    said = json.loads(ceph("status"))
    return said["health"], {one["state_name"]: one["count"] for one in said["pgmap"]["pgs_by_state"]}

ends = time.monotonic() + 90
while json.loads(ceph("osd", "stat")).get("num_up_osds") != 1 or status()[0]["status"] != "HEALTH_OK":
    assert time.monotonic() < ends, status()
    time.sleep(1)
seen = []
for number in range(6):
    ceph("osd", "pool", "create", f"pool{number}", "32", "32")
    while set((now := status())[1]) != {"active+clean"} or sum(now[1].values()) < 32 * (number + 1):
        if now[0]["status"] == "HEALTH_OK" and set(now[1]) - {"active+clean"}:
            seen.append(now[1])
            print("HEALTH_OK", now[1])
assert any("unknown" in state or "creating+peering" in state for state in seen)
EOF
