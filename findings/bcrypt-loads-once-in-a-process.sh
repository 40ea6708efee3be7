#!/bin/sh
# bcrypt 4.2.0 and 5.0.0 (PyPI), Python 3.11: of the interpreters of one process only the first that imports bcrypt can; all others get
# an ImportError, for ever.
# Why it surprises: that a module is in use elsewhere does not make an import fail. Programs that embed Python run what they load in
# interpreters of their own. The manager of Ceph 18.2.7 does, its modules import bcrypt (by mgr_util, for passwords of a
# dashboard), and with Debian 13's bcrypt 4.2.0 all but one do not load: no metrics, no balancer, and a HEALTH_WARN that stays.
# Seen: the first interpreter has loaded it; the second, and the main one: PyO3 modules do not yet support subinterpreters.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env
cat >twice.py <<'EOT'
import _xxsubinterpreters as interpreters

for name in ("first", "second"):
    try:
        interpreters.run_string(interpreters.create(), "import bcrypt")
        print(f"the {name} interpreter has loaded it")
    except Exception as error:
        print(f"the {name} interpreter: {error}")
EOT
for version in 4.2.0 5.0.0; do
    env/bin/pip install -q "bcrypt==$version"
    env/bin/python twice.py | tee out.txt
    grep -q 'the first interpreter has loaded it' out.txt
    grep -q 'the second interpreter: .*ImportError.*PyO3' out.txt
done
