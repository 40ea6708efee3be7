#!/bin/sh
# pytest 9.2.0, pytest-xdist 3.8.0, pytest-rerunfailures 16.7 (PyPI): a scheduler of one's own
# (pytest_xdist_make_scheduler) that has all of xdist's protocol `Scheduling`. A worker dies; rerunfailures, which is only
# installed, reads sched.config, which is not in that protocol, and the session ends with an internal error.
# Why it surprises: without --reruns, and without a word of it on the command line, all tests that are left are lost.
# Seen: without rerunfailures "1 failed, 5 passed", with it INTERNALERROR and exit 3.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q pytest==9.2.0 pytest-xdist==3.8.0 pytest-rerunfailures==16.7
cat >conftest.py <<'EOF'
from xdist.scheduler import LoadScheduling

class Own:
    """What the protocol names, and nothing else."""

    _NAMES = (
        "nodes", "collection_is_completed", "tests_finished", "has_pending", "add_node", "add_node_collection",
        "mark_test_complete", "mark_test_pending", "remove_pending_tests_from_node", "remove_node", "schedule",
    )

    def __init__(self, config, log):
        self._load = LoadScheduling(config, log)

    def __getattr__(self, name):
        if name not in self._NAMES:
            raise AttributeError(name)
        return getattr(self._load, name)

def pytest_xdist_make_scheduler(config, log):
    return Own(config, log)
EOF
cat >test_six.py <<'EOF'
import os, pytest

@pytest.mark.parametrize("number", range(6))
def test_it(number):
    if number == 2:
        os._exit(1)
EOF
if env/bin/pytest -q -n 2 -p no:rerunfailures >without.txt 2>&1; then exit 1; fi
if env/bin/pytest -q -n 2 >with.txt 2>&1; then exit 1; fi
tail -n 1 without.txt
grep -q '1 failed, 5 passed' without.txt
grep "has no attribute\|AttributeError: config" with.txt | tail -n 1
grep -q INTERNALERROR with.txt
