"""The latency histograms of a result, from the file that its worker wrote beside the raw ones."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.measure.pooled_histograms import FILE_NAME, read_histograms
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent


def histograms_of(content: RunContent, record: Record) -> Mapping[tuple[str, str], Histogram]:
    """By job and direction (``read``, ``write``, ``sync``), over all guests.

    Empty where there are none: of an earlier version, of an invalid result, gone, or torn.
    """
    found = content.read(record, FILE_NAME) if record.usable else None
    try:
        return read_histograms(found) if found is not None else {}
    except ValueError:
        return {}
