"""What a simulated fio leaves in its guest: its answer, its logs, and what the kernel counted meanwhile."""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from pytest_odfperf.sandbox.altered_answer import alter
from pytest_odfperf.sandbox.config.guest_faults import Faults
from pytest_odfperf.sandbox.config.parse_config import ModelConfig
from pytest_odfperf.sandbox.machines.base import DiskSpec
from pytest_odfperf.sandbox.machines.simulated.fio_run import bundle
from pytest_odfperf.sandbox.machines.simulated.simulated_fio import answer
from pytest_odfperf.sandbox.machines.simulated.simulated_job import SimulatedJob
from pytest_odfperf.sandbox.machines.simulated.simulated_witness import witness_text
from pytest_odfperf.sandbox.machines.simulated.storage_course import PhaseIo, phases_io
from pytest_odfperf.sandbox.machines.simulated.volume.pace import Pace
from pytest_odfperf.sandbox.machines.simulated.volume.storage_model import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Files as the guest's script sends them."""

    #: fio's JSON.
    answer: bytes
    #: Its log files, as `bundle` puts them together.
    logs: bytes
    #: Empty without a data disk.
    witness: bytes
    #: What the storage did for it.
    io: tuple[PhaseIo, ...]


def left_by(
    job: SimulatedJob,
    faults: Faults,
    model: ModelConfig,
    limits: Sequence[Limits],
    random: Random,
    *,
    data_dir: str | None,
    disks: Sequence[DiskSpec],
    data: DiskSpec | None,
    ended_epoch_s: float,
) -> Left:
    """What ``job`` leaves on a volume of ``model`` within ``limits``.

    ``data``: the one of ``disks`` that is measured, mounted at ``data_dir`` or not (None); fio ends
    ``ended_epoch_s``.
    """
    document, logs = answer(
        job,
        model,
        limits,
        random,
        directory=data_dir,
        ended_epoch_s=ended_epoch_s,
        error=errno.EIO if faults.fio_exit else 0,
        pace=Pace(steps=faults.pace, drift=faults.drift, warm_up_s=faults.warm_up_s),
    )
    io = phases_io(document, job, faults)
    witness = b"" if data is None else witness_text(disks, data, data_dir, document, job, faults)
    if faults.answer:
        alter(document, faults.answer)
    # One line, unlike fio's: to break lines, Python's encoder takes ten times as long.
    text = json.dumps(document).encode() + b"\n"
    kept = {"whole": len(text), "truncated": len(text) // 2, "empty": 0}[faults.output]
    return Left(answer=text[:kept], logs=bundle(logs), witness=witness, io=io)
