"""Runs that pictures are made of: one in which everything goes wrong, one with loads of all sorts."""

from __future__ import annotations

import pytest
from report_runs.everything import make_everything
from report_runs.folder import make_run
from report_runs.plan import MadePlan, matrix_of

from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

_LOADS = """
cluster: kubeconfig
namespace: perf
pools: [rep3, ec-2-1, cephfs-rep3]
vm_sizes: {small: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [150Gi]
concurrency: [1, 4]
profiles: [random-rw, db-oltp]
block_sizes: [4k, 1M]
fio: {runtime: 60s, ramp: 5s, iodepth: [1, 16], file_size: 1G}
"""


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> RunContent:
    results = tmp_path_factory.mktemp("everything")
    return read_run_content(RunDir(results, make_everything(results).name))


@pytest.fixture(scope="session")
def loads(tmp_path_factory: pytest.TempPathFactory) -> RunContent:
    """Three pools, two repeats, depths, numbers of VMs, unlike sections; nothing is wrong."""
    results = tmp_path_factory.mktemp("loads")
    matrix = matrix_of(_LOADS, "loads")
    plan = MadePlan(matrix=matrix, keys=expand(matrix), run_id="loads-1", repeats=2, mixed=False)
    return read_run_content(RunDir(results, make_run(results, plan).name))
