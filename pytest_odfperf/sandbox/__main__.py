"""``python -m pytest_odfperf.sandbox``: a small cluster of virtual machines on this machine, until Ctrl+C."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_NEEDED = ("aiohttp", "asyncssh", "cryptography", "jsonpatch")


def main() -> int:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(f"the sandbox needs {', '.join(missing)}: pip install 'pytest-odfperf[sandbox]'\n")
        return 4
    if sys.argv[1:2] == ["ceph-fault"]:
        from pytest_odfperf.sandbox.fault_command import fault_command

        return fault_command(sys.argv[2:])
    from pytest_odfperf.sandbox.process import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
