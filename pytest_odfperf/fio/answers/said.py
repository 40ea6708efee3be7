"""What fio's own words mean: one table of the lines that it writes beside its JSON.

fio ends with 0 after much that is no measurement of what was asked for. So each of its lines is looked up:
what is known to be harmless passes, what is known to be harmful fails the key under a reason, and what is not
known is shown as a note. Lines are from the sources of fio 3.33 to 3.42 (``init.c``, ``filesetup.c``,
``backend.c``, ``io_u.c``, ``ioengines.c``, ``parse.c``, ``verify.c``), or of the shell around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

HARMLESS: Final = None

#: Parts of lines in lower case, and the reason that they give. The first that is found in any line decides,
#: so causes come before what follows from them ("invalid argument" is said of many).
TABLE: tuple[tuple[str, str | None], ...] = (
    # What ended it.
    ("terminating on signal", "interrupted"),
    ("got signal=", "interrupted"),
    ("disappeared", "interrupted"),
    ("segmentation fault", "crashed"),
    ("dumped core", "crashed"),
    ("out of memory", "crashed"),
    ("malloc failed", "crashed"),
    ("realloc oom", "crashed"),
    ("smalloc pool exhausted", "crashed"),
    ("failed to start", "crashed"),
    # What is missing.
    ("not loadable", "missing_dependency"),
    ("failed to load engine", "missing_dependency"),
    ("was not built, or fio-engine", "missing_dependency"),
    ("command not found", "missing_dependency"),
    ("doesn't support io_uring", "missing_dependency"),
    # What the disk said.
    ("no space left", "no_space"),
    ("enospc", "no_space"),
    ("disk quota exceeded", "no_space"),
    ("file creation disallowed", "wrong_device"),
    ("appears mounted, and", "wrong_device"),
    ("permission denied", "permission"),
    ("operation not permitted", "permission"),
    ("read-only file system", "permission"),
    ("exceeds specified max", "timeout"),
    (" not met, got ", "timeout"),
    ("appears to be stalled", "timeout"),
    ("appears to be stuck", "timeout"),
    ("seems to be stuck", "timeout"),
    ("startup hung", "timeout"),
    ("input/output error", "io_error"),
    ("verify failed at", "io_error"),
    ("verify: bad", "io_error"),
    ("verify type mismatch", "io_error"),
    ("end_fsync failed", "io_error"),
    ("syncfs failed", "io_error"),
    ("short read", "io_error"),
    # What it does not do as it was told.
    ("read-only mode", "config"),
    ("due to read-only", "config"),
    ("bad option", "config"),
    ("unrecognized option", "config"),
    ("requires an argument", "config"),
    ("outside of [] job section", "config"),
    ("is deprecated", "config"),
    ("unable to open", "config"),
    ("while parsing include file", "config"),
    ("no new sections in included", "config"),
    ("is not a directory", "config"),
    ("failed parsing", "config"),
    ("parsing failed", "config"),
    ("value out of range", "config"),
    ("size too small", "config"),
    ("you need to specify", "config"),
    ("minimum rate exceeds", "config"),
    ("mutually exclusive", "config"),
    ("no job(s) defined", "config"),
    ("must be provided", "config"),
    (" dropped", "config"),
    ("note: both iodepth", "config"),
    ("queue depth will be capped", "config"),
    ("verification read phase will never", "config"),
    ("verify limited", "config"),
    ("turns off randommap", "config"),
    ("sets norandommap=1", "config"),
    ("sets random_generator=", "config"),
    ("failed allocating random map", "config"),
    ("may be ignored", "config"),
    ("rounded up", "config"),
    ("rounded down", "config"),
    ("rounded io_size", "config"),
    ("falling back", "config"),
    ("cpu affinity", "config"),
    ("setaffinity failed", "config"),
    ("cpuset", "config"),
    ("too large (max=", "config"),
    ("support io scheduler", "config"),
    ("io scheduler is not tunable", "config"),
    ("unable to set io scheduler", "config"),
    ("cgroup", "config"),
    ("add to more than 100", "config"),
    ("don't add up to 100", "config"),
    ("percentages exceed", "config"),
    ("larger than data set range", "config"),
    ("differs from group", "config"),
    ("impossible to reach expected dedupe", "config"),
    ("does not support o_direct", "config"),
    ("direct io is not supported", "config"),
    ("support direct io", "config"),
    ("looks like your file system does not", "config"),
    ("first direct io errored", "config"),
    ("does not support syncfs", "config"),
    ("engine does not support", "config"),
    ("failed setting up io queues", "config"),
    ("init failed", "config"),
    ("io memory too large", "config"),
    ("maximum number of jobs", "config"),
    ("invalid argument", "config"),
    # Anything else that ended a worker, or failed an I/O.
    ("io_u error", "io_error"),
    ("err=", "io_error"),
    # What it does, and what it decided as well as it was told.
    ("laying out io file", HARMLESS),
    ("prepopulating io file", HARMLESS),
    ("opendir added", HARMLESS),
    ("saving output of", HARMLESS),
    ("exceeds 32-bit tausworthe", HARMLESS),
    ("switching to tausworthe64", HARMLESS),
    ("use the random_generator= option", HARMLESS),
    ("multiple writers may overwrite", HARMLESS),
    ("kb_base differs", HARMLESS),
    ("unit_base differs", HARMLESS),
    ("did you mean", HARMLESS),
    ("connected to nbd server", HARMLESS),
)

#: A line that begins so says that the job is not run as written, whatever follows.
_NOT_AS_WRITTEN = "note:"
_MOST_NOTES = 5


def lines_of(text: str) -> list[str]:
    """The lines that say something, each of a length that can be shown."""
    return [line.strip()[:300] for line in text.splitlines() if line.strip()]


def by_words(lines: Iterable[str]) -> tuple[str, str] | None:
    """The reason that fio's words give, and the line that gives it; None if they are harmless or unknown."""
    # Lines have names of jobs and files in them, so what is harmless is not looked at further.
    lowered = [(line.lower(), line) for line in lines if not _harmless(line)]
    for part, reason in TABLE:
        for low, line in lowered:
            if part in low and reason is not None:
                return reason, line
    return next((("config", line) for low, line in lowered if low.startswith(_NOT_AS_WRITTEN)), None)


def _harmless(line: str) -> bool:
    low = line.lower()
    return any(reason is None and part in low for part, reason in TABLE)


def notes_of(lines: Iterable[str]) -> tuple[str, ...]:
    """What fio said that is neither known to be harmless nor a failure, a few lines of it."""
    unknown = list(dict.fromkeys(_unknown(lines)))
    notes = [f"fio said: {line}" for line in unknown[:_MOST_NOTES]]
    if len(unknown) > _MOST_NOTES:
        notes.append(f"fio said {len(unknown) - _MOST_NOTES} lines more, see its log")
    return tuple(notes)


def _unknown(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        low = line.lower()
        if not any(part in low for part, _ in TABLE):
            yield line
