"""One section of a job file, and what it will do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pytest_odfperf.fio.job_file.fio_numbers import Sizes

Direction = Literal["read", "write"]

#: The test file that the guest lays out once per group, with data, before the first job.
SHARED_FILE = "fio-testfile"

_BOTH: frozenset[Direction] = frozenset({"read", "write"})
DIRECTIONS: Mapping[str, frozenset[Direction]] = {
    "read": frozenset({"read"}),
    "randread": frozenset({"read"}),
    "write": frozenset({"write"}),
    "randwrite": frozenset({"write"}),
    "rw": _BOTH,
    "readwrite": _BOTH,
    "randrw": _BOTH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One job of a job file. ``options`` are all that hold for it, those of ``[global]`` included."""

    name: str
    rw: str
    directions: frozenset[Direction]
    numjobs: int
    iodepth: int
    #: What each worker does its I/O on; see `file_bytes`.
    size_bytes: int
    #: None: each worker has a file of its own, unless ``filename_format`` names it otherwise.
    filename: str | None
    #: The smallest and the largest block of reads and of writes.
    block_bytes: Mapping[Direction, Sizes] = field(default_factory=dict)
    #: Where in the file the last worker's part begins.
    offset_bytes: int = 0
    #: Whether the guest's page cache answers (``direct=0``).
    buffered: bool = False
    #: The longest pause between two I/Os of a worker.
    thinktime_s: float = 0.0
    options: Mapping[str, str]

    @property
    def read_share(self) -> float:
        """The part of its I/Os that are reads, 0 to 1; of rwmixread and rwmixwrite the later one holds."""
        if len(self.directions) == 1:
            return 1.0 if "read" in self.directions else 0.0
        said = [name for name in self.options if name in ("rwmixread", "rwmixwrite")]
        if not said:
            return 0.5
        share = int(self.options[said[-1]]) / 100
        return share if said[-1] == "rwmixread" else 1 - share

    @property
    def file_bytes(self) -> int:
        """Size of each of its files."""
        return self.offset_bytes + self.size_bytes

    @property
    def files_bytes(self) -> int:
        """Bytes of the files that this job alone needs; the shared test file counts in `Job`."""
        if self.filename == SHARED_FILE:
            return 0
        return self.file_bytes * (1 if self.filename or self._one_file else self.numjobs)

    @property
    def _one_file(self) -> bool:
        """Whether ``filename_format`` gives all workers the same file."""
        name_form = self.options.get("filename_format", "$jobnum")
        return re.search(r"\$jobnum", name_form, re.IGNORECASE) is None

    @property
    def flush_bytes(self) -> int:
        """What may have to be written back at its end, outside of its runtime."""
        at_end = ("end_fsync", "end_syncfs", "fsync_on_close")
        if "write" not in self.directions:
            return 0
        asked = self.buffered or any(self.options.get(option, "0") != "0" for option in at_end)
        return self.size_bytes * self.numjobs if asked else 0
