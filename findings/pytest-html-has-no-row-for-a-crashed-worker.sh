#!/bin/sh
# pytest 9.2.0, pytest-xdist 3.8.0, pytest-html 4.2.0 (PyPI): the worker ends in the middle of a test. The terminal says
# "1 failed", JUnit counts an error, and the HTML page has no row for the test and says "0 Failed".
# Why it surprises: of the three reports of one run, the one that people open is green.
# Seen: "1 failed, 1 passed", errors="1", "0 Failed,".
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q pytest==9.2.0 pytest-xdist==3.8.0 pytest-html==4.2.0
printf 'import os\ndef test_ends(): os._exit(1)\ndef test_stays(): pass\n' >test_worker.py
if env/bin/pytest -q -n 2 --html=report.html --junitxml=report.xml >out.txt; then exit 1; fi
tail -n 1 out.txt
grep -o 'errors="[0-9]*"' report.xml
grep -o '[0-9]* Failed,' report.html
grep -q '1 failed, 1 passed' out.txt
grep -q 'errors="1"' report.xml
grep -q '0 Failed,' report.html
if grep -q 'test_worker.py::test_ends' report.html; then exit 1; fi
