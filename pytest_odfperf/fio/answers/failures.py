"""The failures of fio, told by what it leaves: the errno of a job, its exit code; its words are in `said`.

None of them is enough alone. fio ends with 0 after a run that a synchronous engine made shallow, with 128
and ``error: 0`` after a signal, and with figures that look fine after the disk was full. Facts: fio 3.33
(``backend.c``, ``filesetup.c``, ``init.c``); ``tools/record-fio-failures`` records each.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

from pytest_odfperf.errors import FioError

#: What each reason of a `FioError` asks for.
NEXT_STEPS: Mapping[str, str] = {
    "config": "correct the profile",
    "missing_dependency": "install what fio needs in the guest image, or name it in guest.packages",
    "no_space": "take a larger PVC, smaller files in the profile, or free space in the pool",
    "permission": "look at the mount of the data disk in the guest",
    "io_error": "look at the guest's kernel log and at the health of the pool",
    "timeout": "look at the health of the pool, or raise timeouts.fio_slack",
    "interrupted": "look in the guest for what ended fio (its kernel log names processes killed for memory)",
    "crashed": "look at the guest's kernel log; fio itself failed",
    "truncated": "look at the raw answer in the run's folder",
    "impossible_value": "look at the raw answer in the run's folder",
    "histogram_differs": "look at the raw answer in the run's folder",
    "empty": "look at the raw answer in the run's folder",
    "wrong_device": "look at the disks and mounts of the guest",
}

ERRNO_REASONS: Mapping[int, str] = {
    errno.ENOSPC: "no_space",
    errno.EDQUOT: "no_space",
    errno.EACCES: "permission",
    errno.EPERM: "permission",
    errno.EROFS: "permission",
    errno.ETIMEDOUT: "timeout",
    errno.EINVAL: "config",
    errno.EINTR: "interrupted",
    errno.ENODEV: "wrong_device",
    errno.ENXIO: "wrong_device",
}


def by_exit_code(code: int) -> tuple[str, str] | None:
    """What an exit code says by itself: fio's own 128, and those that shells give for signals."""
    if code in (126, 127):
        return "missing_dependency", f"fio could not be started (exit code {code})"
    if code in (128, 128 + 2, 128 + 15):
        return "interrupted", f"fio was told to end by a signal (exit code {code})"
    if code == 128 + 9:
        return "interrupted", "fio was killed (exit code 137)"
    if 128 < code < 192:
        return "crashed", f"fio ended by signal {code - 128}"
    return None


def check_error(entry: Mapping[str, Any]) -> None:
    """Raise `FioError` for an entry of ``jobs`` that failed, or does not say whether it did."""
    code = entry.get("error")
    name = str(entry.get("jobname"))[:60]
    if isinstance(code, bool) or not isinstance(code, int | float) or code != int(code):
        raise FioError("truncated", f"job {name}: the answer does not say whether it failed")
    if code:
        raise FioError(ERRNO_REASONS.get(int(code), "io_error"), f"job {name}: {errno_text(int(code))}")


def errno_text(code: int) -> str:
    """``error 28 ENOSPC``."""
    return f"error {code} {errno.errorcode.get(code, '?')}"
