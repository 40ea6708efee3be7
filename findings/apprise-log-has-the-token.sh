#!/bin/sh
# apprise 2.3.0 (PyPI): a URL that can not be used is logged with the token in it, where the library masks it elsewhere.
# Why it surprises: secure logging is on, and the same log says "slack://s...n" in the next line. pytest shows a library's
# log with each failed test.
# Seen: "An invalid Slack (first) Token (s3cr3t-t0ken) was specified.", "Unsupported URL: s3cr3t-t0ken".
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q apprise==2.3.0
cat >log.py <<'EOT'
import logging

import apprise

logging.basicConfig(filename="log.txt")
for url in ("slack://s3cr3t-t0ken", "s3cr3t-t0ken"):
    print(apprise.Apprise().add(url))
EOT
env/bin/python log.py
cat log.txt
grep -q 'Slack .*s3cr3t-t0ken' log.txt
grep -q 'slack://s\.\.\.n' log.txt
grep -q 'Unsupported URL: s3cr3t-t0ken' log.txt
