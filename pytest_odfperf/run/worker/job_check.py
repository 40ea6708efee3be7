"""Before the first job of a group is measured, its guests' fio says whether it takes each of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_odfperf.errors import GuestError
from pytest_odfperf.fio.job import Job
from pytest_odfperf.fio.parse_only import refusals
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.run.pool_log import LOGGER

if TYPE_CHECKING:
    from pytest_odfperf.guest.guest import Guest

#: Why fio would not run a job, by the job's text.
Refused = dict[str, str]


def ask_guest_fio(guest: Guest, jobs: Iterable[Job], matrix: Matrix) -> Refused:
    """What the fio of ``guest`` has against ``jobs``; the other guests of its group have the same one.

    If it is not the version that the matrix says, that is in the log.
    A guest that can not be asked is no reason to measure nothing: whatever is wrong shows in the run.
    """
    different = list({job.text: job for job in jobs}.values())
    try:
        said = guest.check([job.text.encode() for job in different], check_s=matrix.timeouts.layout_s)
    except GuestError as error:
        LOGGER.warning("fio was not asked whether it takes the jobs: %s", error)
        return {}
    version = guest.facts.get("fio_version") or "fio"
    if (wanted := matrix.guest.fio_version) not in (None, version):
        LOGGER.warning("the guests have %s, but guest.fio_version of the matrix is %s", version, wanted)
    found = {}
    for job, (code, words) in zip(different, said, strict=True):
        if refused := refusals(job, code, words):
            found[job.text] = f"{version} in the guests does not take it: {'; '.join(map(str, refused))}"
    return found
