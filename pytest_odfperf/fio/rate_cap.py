"""``rate_iops``: a job held at a rate that each VM is given, whatever it is made of.

fio counts ``rate_iops`` for each worker and for each direction by itself: ``rate_iops=700`` on a mix of 70
and 30 per cent is 700 reads and 700 writes a second, for each worker (fio 3.33, 3.39). So a VM's rate is
divided by the workers, and by the mix.
"""

from __future__ import annotations

from dataclasses import replace

from pytest_odfperf.fio.job import Job, Section, rewritten
from pytest_odfperf.fio.job_file.options_table import DEFAULT_ENGINE, engines
from pytest_odfperf.fio.job_file.profile_faults import Faults

#: Options that hold the rate themselves.
_OWN = ("rate", "rate_iops", "rate_min", "rate_iops_min", "thinktime")
_SYNCS = ("fsync", "fdatasync")


def with_rate(job: Job, iops_per_s: int, *, source: str, depth: int | None = None) -> Job:
    """``job`` with each section at ``iops_per_s``, reads and writes together, over all of its workers.

    ``depth``: the queue that each section gets, so that I/Os are sent in time also while some are late (an
    open loop); a section that waits for syncs keeps its own. None: as the job has it. Raises `InputError`
    with all that can not be held at such a rate.
    """
    faults = Faults()
    sections = [_with_rate(section, iops_per_s, depth, source, faults) for section in job.sections]
    faults.raise_any()
    return rewritten(job, sections, "Each VM at a fixed rate.", source)


def _with_rate(section: Section, rate: int, depth: int | None, source: str, faults: Faults) -> Section:
    what = f"job {section.name}"
    if own := [option for option in _OWN if section.options.get(option, "0") != "0"]:
        faults.add(f"{what}: rate_iops of the matrix can not be used beside its own {own[0]}", source)
        return section
    each = rate // section.numjobs
    if each < 1 or rate % section.numjobs:
        faults.add(
            f"{what}: {rate} I/Os a second can not be divided evenly by its {section.numjobs} workers", source
        )
        return section
    options = {**section.options, "rate_iops": str(each)}
    if len(section.directions) == 2:
        reads = round(each * section.read_share)
        if not 0 < reads < each:
            faults.add(f"{what}: {each} I/Os a second of a worker are too few for its mix", source)
            return section
        options["rate_iops"] = f"{reads},{each - reads}"
    if depth is None or any(section.options.get(option, "0") != "0" for option in _SYNCS):
        return replace(section, options=options)
    engine = options.get("ioengine", DEFAULT_ENGINE)
    if engines()[engine].synchronous:
        faults.add(f"{what}: ioengine={engine} waits for each I/O, so it holds no rate; take libaio", source)
    options["iodepth"] = str(depth)
    return replace(section, options=options, iodepth=depth)
