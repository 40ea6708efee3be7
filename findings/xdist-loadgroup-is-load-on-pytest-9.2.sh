#!/bin/sh
# pytest 9.2.0 with pytest-xdist 3.8.0 (PyPI): --dist loadgroup does not group: tests of one xdist_group run on all
# workers, with exit code 0 and no warning. With pytest 9.1.1 they stay on one.
# Why it surprises: nothing says that the mark has no effect, and whoever uses it to keep tests from sharing a device
# shares it.
# Seen, 8 tests of one group, 2 workers: 9.1.1 on 1 worker, 9.2.0 on 2.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q pytest==9.2.0 pytest-xdist==3.8.0
cat >test_group.py <<'EOF'
import os, pathlib, time, pytest

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("n", range(8))
def test_group(n):
    time.sleep(0.2)
    pathlib.Path(os.environ["PYTEST_XDIST_WORKER"] + ".ran").touch()
EOF
for version in 9.2.0 9.1.1; do
    env/bin/pip install -q pytest==$version
    rm -f ./*.ran
    env/bin/pytest -q -n 2 --dist loadgroup -p no:cacheprovider | tail -n 1
    ls ./*.ran | wc -l >$version.workers
    echo "pytest $version: $(cat $version.workers) workers"
done
[ "$(cat 9.1.1.workers)" = 1 ]
[ "$(cat 9.2.0.workers)" = 2 ]
