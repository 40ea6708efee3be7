"""``--odf-preflight`` as a command: what it prints, its exit code, and that it makes nothing."""


def test_a_cluster_that_is_ready_is_exit_code_0(run_pytest):
    outcome = run_pytest(
        "--odf-preflight", "--odf-matrix", "sim.yaml", "--odf-parallel=2", "--odf-pool", "fast"
    )
    assert outcome.code == 0, outcome.out
    assert "ok   pool fast: StorageClass fast, Filesystem" in outcome.lines
    assert "pool slow" not in outcome.out
    assert "ok   pools at once: 1: 2 asked for, reduced to the pools that can run: 1" in outcome.lines
    assert all(line.startswith("ok   ") for line in outcome.lines[:-1])
    assert outcome.lines[-1].startswith("odfperf preflight: ")
    assert not (outcome.folder / "results").exists()


def test_one_failed_check_is_exit_code_1(run_pytest):
    matrix = "extends: sim.yaml\nvm_sizes: {huge: {vcpus: 1000, memory: 1Gi}}\n"
    outcome = run_pytest("--odf-preflight", "--odf-matrix", "huge.yaml", huge__yaml=matrix)
    assert outcome.code == 1, outcome.out
    assert "FAIL VM size huge: 1000 vCPUs and 9.2 GiB fit no node; next: " in outcome.out
    assert "1 FAIL: a run would fail" in outcome.lines[-1]


def test_without_a_cluster_it_is_one_failed_check(run_pytest):
    outcome = run_pytest("--odf-preflight", "--odf-matrix", "small.yaml")
    assert outcome.code == 1
    assert outcome.lines[0].startswith("FAIL cluster: no cluster: ")
    assert "log in" in outcome.lines[0]
    assert len(outcome.lines) == 2


def test_bad_input_is_exit_code_4(run_pytest):
    outcome = run_pytest("--odf-preflight", "--odf-matrix", "none.yaml")
    assert outcome.code == 4
    assert "none.yaml" in outcome.out
    both = run_pytest("--odf-preflight", "--odf-dry-run")
    assert both.code == 4
    assert "--odf-preflight and --odf-dry-run exclude each other" in both.out


ILL = """
extends: sim.yaml
pools: [{name: rep3}]
sandbox:
  machine: simulated
  nodes:
    - {name: a, volumes_in_use: [v1, v2], volumes_attached: [v1]}
    - {name: b, volumes_attached: [v3]}
  storage_classes:
    rep3: {default: true, provisioner: openshift-storage.rbd.csi.ceph.com, parameters: {pool: rep3}}
  ceph:
    block_pools: {rep3: {}}
    health: HEALTH
    checks: {CHECKS}
    pgs: {PGS}
  operators:
    pods:
      csi-rbdplugin-1: {node: b, ready: false}
      csi-rbdplugin-provisioner-1: {restarts: 9}
      kubemacpool-mac-controller-manager-1: {namespace: openshift-cnv, ready: false}
      virt-template-validator-1: {namespace: openshift-cnv}
    attachments:
      csi-1: {node: a, volume: pvc-1, attached: false, error: timed out}
"""


def test_storage_that_is_not_well_is_told_state_by_state_with_the_next_step(run_pytest):
    matrix = (
        ILL.replace("HEALTH", "HEALTH_OK").replace("CHECKS", "").replace("PGS", "unknown: 23, peering: 9")
    )
    outcome = run_pytest("--odf-preflight", "--odf-matrix", "ill.yaml", ill__yaml=matrix)
    assert outcome.code == 1, outcome.out
    driver, ceph = "openshift-storage.rbd.csi.ceph.com", "Ceph ocs-storagecluster-cephcluster"
    for begins in (
        f"ok   {ceph}: HEALTH_OK",
        f"FAIL PGs of {ceph}: 0 of 32 are active and clean (23 unknown, 9 peering); HEALTH_OK does not count",
        "FAIL attached volumes of node a: 1 of 2 in use are not attached (v2); next: ",
        "warn attached volumes of node b: 1 of 1 attached are not in use (v3); next: ",
        "FAIL volume attachments: 1 can not be attached (pvc-1 on node a: timed out); next: ",
        f"FAIL node plugin of {driver}: 0 of 1 pods are ready (not csi-rbdplugin-1 on node b): VMs",
        f"warn controller of {driver}: 1 of 1 pods are ready, and 1 were restarted more than 5 times",
        "FAIL kubemacpool: 0 of 1 pods are ready",
        "ok   virt-template-validator: 1 of 1 pods are ready",
        "ok   stuck VMs and pods: there are none (in all namespaces)",
    ):
        assert sum(line.startswith(begins) for line in outcome.lines) == 1, (begins, outcome.out)
    slow = ILL.replace("HEALTH", "HEALTH_WARN").replace("PGS", "active+clean: 32")
    slow = slow.replace("CHECKS", "OSD_SLOW_PING_TIME_BACK: Slow OSD heartbeats on back")
    outcome = run_pytest("--odf-preflight", "--odf-matrix", "slow.yaml", slow__yaml=slow)
    assert f"FAIL {ceph}: HEALTH_WARN (OSD_SLOW_PING_TIME_BACK: Slow OSD" in outcome.out
    assert f"ok   PGs of {ceph}: all 32 are active and clean" in outcome.lines
