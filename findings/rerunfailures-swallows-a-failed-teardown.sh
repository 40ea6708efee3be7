#!/bin/sh
# pytest 9.2.0 with pytest-rerunfailures 16.7 (PyPI): the teardown of a parametrised session fixture fails; pytest runs
# it within the first test of the next parameter and books the error there. --reruns 1 runs that innocent test again,
# it passes, and the run is green.
# Why it surprises: a VM or a volume that could not be deleted is named nowhere, and the exit code is 0.
# Seen: without --reruns "3 passed, 1 error"; with it "4 passed, 1 rerun", exit 0.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q pytest==9.2.0 pytest-rerunfailures==16.7
cat >test_group.py <<'EOF'
import pytest

@pytest.fixture(scope="session", params=["first", "second"])
def group(request):
    yield request.param
    if request.param == "first":
        raise RuntimeError("group first could not be deleted")

def test_one(group):
    pass

def test_two(group):
    pass
EOF
if env/bin/pytest -q >plain.txt; then exit 1; fi
env/bin/pytest -q --reruns 1 >rerun.txt
tail -n 1 plain.txt rerun.txt
grep -q '3 passed, 1 error' plain.txt
grep -q '4 passed, 1 rerun' rerun.txt
if grep -q 'could not be deleted' rerun.txt; then exit 1; fi
