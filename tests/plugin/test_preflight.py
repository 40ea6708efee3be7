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
