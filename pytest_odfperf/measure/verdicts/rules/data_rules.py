"""Data that a layer below can shrink: such writes are answered without being stored as they are.

The guest lays its files out with data that nothing can shrink, and fio writes such data unless the profile
says otherwise. Facts: fio 3.33 (``io_u.c``, ``fill_io_buffer``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_odfperf.fio.job_file.section import SHARED_FILE, Section
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence

_OFF = ("0", "0%")
#: Options that make what is written smaller than it is.
_SHRINKING = ("zero_buffers", "buffer_pattern", "buffer_compress_percentage", "dedupe_percentage")


def shrinking_data(evidence: Evidence) -> Iterator[Doubt]:
    """``data_shrinks``: for each job whose own data can be compressed, or is there already."""
    for section in evidence.job.sections:
        # What it reads of the file that the guest laid out is not its own.
        own = "write" in section.directions or (
            section.filename != SHARED_FILE and not evidence.job.device_bytes
        )
        if own and (found := why_it_shrinks(section)):
            yield Doubt(
                code="data_shrinks",
                level="suspect",
                text=f"job {section.name}: its data can be made smaller ({found}): a pool that compresses, "
                "deduplicates or does not store zeros answers without storing it",
                figures={},
            )


def why_it_shrinks(section: Section) -> str | None:
    """The options that make the section's data small; None: nothing can shrink it."""
    options = section.options
    found = [f"{name}={options[name]}" for name in _SHRINKING if _on(options, name)]
    # fio fills a buffer once, and scrambles a few bytes of it before each write.
    if not _on(options, "scramble_buffers", "1") and not _on(options, "refill_buffers"):
        found.append("scramble_buffers=0 without refill_buffers")
    return ", ".join(found) or None


def _on(options: Mapping[str, str], name: str, usual: str = "0") -> bool:
    return options.get(name, usual).strip() not in _OFF
