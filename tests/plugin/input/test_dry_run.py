"""--odf-dry-run shows what would run and what it would take, and creates nothing."""


def test_it_needs_no_cluster_and_writes_nothing(run_pytest):
    outcome = run_pytest("--odf-dry-run", "--odf-matrix", "small.yaml")
    assert outcome.code == 0
    assert not (outcome.folder / "results").exists()
    assert "8 keys in 4 groups on 2 pools" in outcome.out


def test_a_number_of_pools_needs_no_cluster(run_pytest):
    outcome = run_pytest("--odf-dry-run", "--odf-parallel=2", "--odf-matrix", "small.yaml")
    assert outcome.code == 0
    assert "2 pools at once: 2 asked for" in outcome.out


def test_more_than_the_pools_is_reduced_and_said(run_pytest):
    outcome = run_pytest("--odf-dry-run", "--odf-parallel=7", "--odf-matrix", "small.yaml")
    assert "7 asked for, reduced to the pools that can run: 2" in outcome.out


def test_auto_needs_a_cluster_to_size_the_workers(run_pytest):
    outcome = run_pytest("--odf-dry-run", "--odf-parallel", "--odf-matrix", "small.yaml")
    assert outcome.code == 4
    assert "no cluster" in outcome.out


def test_filters_apply_to_the_first_key_too(run_pytest):
    outcome = run_pytest("--odf-dry-run", "--odf-matrix", "small.yaml", "--odf-filter", "*:*:*:*:*:64k")
    listed = [line.strip() for line in outcome.lines if line.startswith("    ")]
    assert len(listed) == 4
    assert all(line.endswith(":64k") for line in listed)
    assert "4 keys in 4 groups" in outcome.out


def test_ini_settings_count(run_pytest):
    outcome = run_pytest(
        "--odf-dry-run",
        pytest__ini="[pytest]\nodf_matrix = small.yaml\nodf_pool = slow\nodf_parallel = 1\n",
    )
    assert outcome.code == 0
    assert "4 keys in 2 groups on 1 pool" in outcome.out
