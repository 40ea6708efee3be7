#!/bin/sh
# pytest 9.2.0 and junitparser 5.0.3 (PyPI): one test with three subtests, two of which fail. pytest's JUnit file has one
# <testcase> with three <failure>, under tests="4" failures="3"; junitparser, asked to count again, says 1 test with 3
# failures. The terminal: 3 failed, 1 subtests passed.
# Why it surprises: failures / tests, the figure of every CI page, is 75 % or 300 % for one and the same file.
# Seen: tests 4, failures 3, testcases 1; after update_statistics() tests 1, failures 3.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q pytest==9.2.0 junitparser==5.0.3
cat >test_guests.py <<'EOF'
def test_guests(subtests):
    for guest in range(3):
        with subtests.test(guest=guest):
            assert guest == 0
EOF
if env/bin/pytest -q --junitxml=report.xml >out.txt; then exit 1; fi
tail -n 1 out.txt
env/bin/python - <<'EOF'
from junitparser import JUnitXml
suite = next(iter(JUnitXml.fromfile("report.xml")))
written = suite.tests, suite.failures, len(list(suite))
suite.update_statistics()
print("tests, failures, testcases", written, "counted again", (suite.tests, suite.failures))
assert written == (4, 3, 1)
assert (suite.tests, suite.failures) == (1, 3)
EOF
