#!/bin/sh
# pytest 9.2.0 with pytest-xdist 3.8.0 (PyPI): --maxfail=1 ends with exit code 1 without workers and with 2 ("interrupted
# by the user") with -n 2; tests that the workers had been given still run.
# Why it surprises: exit code 1 is "tests failed", 2 is Ctrl-C: a CI job that tells them apart calls a failed run
# cancelled, only because it got workers.
# Seen: 1 and 2; "1 failed" and "1 failed, 2 passed".
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q pytest==9.2.0 pytest-xdist==3.8.0
printf 'import pytest\n@pytest.mark.parametrize("n", range(8))\ndef test_n(n): assert n\n' >test_n.py
alone=0; env/bin/pytest -q --maxfail=1 >alone.txt || alone=$?
workers=0; env/bin/pytest -q --maxfail=1 -n 2 >workers.txt || workers=$?
tail -n 1 alone.txt workers.txt
echo "exit codes: $alone without workers, $workers with two"
[ "$alone" = 1 ]
[ "$workers" = 2 ]
