#!/bin/sh
# pytest 9.2.0 (PyPI): record_property with a name that holds a lone surrogate (what os.fsdecode makes of a file name
# that is no UTF-8). All tests pass, and the session ends with a traceback: no summary, and a JUnit file without a test.
# With a control character in the name the exit code is 0, and no XML parser reads the file. In values both are replaced.
# Why it surprises: one property of one test takes the results of all others with it.
# Seen: UnicodeEncodeError in junitxml.py, exit 1, no testcase; with \x01 exit 0 and "not well-formed".
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q pytest==9.2.0
cat >test_names.py <<'EOF'
import os

def test_surrogate(record_property):
    record_property(os.fsdecode(b"caf\xe9"), os.fsdecode(b"caf\xe9"))

def test_control(record_property):
    record_property("a\x01", "a\x01")

def test_other():
    pass
EOF
if env/bin/pytest -q --junitxml=surrogate.xml >surrogate.txt 2>&1; then exit 1; fi
grep UnicodeEncodeError surrogate.txt
if grep -q '3 passed' surrogate.txt; then exit 1; fi
if grep -q testcase surrogate.xml; then exit 1; fi
env/bin/pytest -q -k 'not surrogate' --junitxml=control.xml >control.txt
env/bin/python - <<'EOF'
import xml.etree.ElementTree as ET
try:
    ET.parse("control.xml")
except ET.ParseError as error:
    print(error)
else:
    raise SystemExit(1)
EOF
