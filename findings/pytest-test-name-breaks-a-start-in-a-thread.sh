#!/bin/sh
# pytest 9.2.0 (PyPI) with CPython 3.11.7: subprocess in a thread of a plugin or a test fails now and then with
# "[Errno 14] Bad address", as soon as pytest goes from test to test meanwhile. With env= given it never does.
# Why it surprises: nobody changed anything. pytest sets and removes PYTEST_CURRENT_TEST in os.environ at each phase of each
# test; subprocess without env= lets the child read the C library's variables, which move then.
# Seen, starts of /bin/true beside 20000 short tests: 17 of 4215, 12 of 5354, 19 of 8094 failed without env=, none with it.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q pytest==9.2.0
cat >conftest.py <<'EOF2'
import os, subprocess, threading

counts = {"started": 0, "failed": 0, "other": 0}
ended = threading.Event()

def start_children():
    given = {"env": {"PATH": "/bin"}} if os.environ.get("GIVEN") else {}
    while not ended.is_set():
        try:
            subprocess.run(["/bin/true"], check=True, **given)
            counts["started"] += 1
        except OSError as error:
            counts["failed" if error.errno == 14 else "other"] += 1

thread = threading.Thread(target=start_children)

def pytest_collection_finish(session):
    thread.start()

def pytest_sessionfinish(session):
    ended.set()
    thread.join()
    with open(os.environ["COUNTS"], "w") as file:
        print(counts["started"], counts["failed"], counts["other"], file=file)
EOF2
cat >test_many.py <<'EOF2'
import pytest

@pytest.mark.parametrize("name", ["n" * (20 * (n % 100) + 1) + str(n) for n in range(20000)])
def test_many(name):
    pass
EOF2
COUNTS=without GIVEN="" env/bin/pytest -q -p no:cacheprovider >/dev/null
COUNTS=with GIVEN=1 env/bin/pytest -q -p no:cacheprovider >/dev/null
echo "without env=: started, failed with EFAULT, otherwise: $(cat without); with env=: $(cat with)"
read -r started failed other <without
[ "$failed" -gt 0 ] && [ "$started" -gt 0 ] && [ "$other" = 0 ]
read -r started failed other <with
[ "$failed" = 0 ] && [ "$started" -gt 0 ] && [ "$other" = 0 ]
