"""The figures of keys as gauges. Of a key with repeats those of the repeat in the middle."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.matrix.keys import FIELDS, Key
from pytest_odfperf.measure.aggregate import DirectionMeasurement, LatencyMeasurement
from pytest_odfperf.measure.record import DIRECTIONS
from pytest_odfperf.report.content.result_state import ResultState
from pytest_odfperf.report.content.run_content import RunContent, RunTest
from pytest_odfperf.report.metrics.metric_text import Family, labels_text
from pytest_odfperf.report.parts import middle_repeat, shown_parts

#: The state of a key with several tests is the first of these that one of them has.
_WORST: tuple[ResultState, ...] = (
    "failed", "limit_broken", "invalid", "not_run", "suspect", "skipped", "passed",
)  # fmt: skip
_PERCENTILES = {"lat_p50_ns": "50", "lat_p95_ns": "95", "lat_p99_ns": "99", "lat_p999_ns": "99.9"}


def key_families(content: RunContent) -> Iterator[Family]:
    """A state for each key, and figures for each that has some; an invalid result has none."""
    state = Family(name="odfperf_key_state_info", help="The worst state among a key's tests; always 1.")
    rate = Family(
        name="odfperf_io_operations_per_second",
        help="I/Os that completed, of all VMs of the key together.",
        unit="operations_per_second",
    )
    bytes_rate = Family(
        name="odfperf_io_bytes_per_second",
        help="Bytes read or written, of all VMs of the key together.",
        unit="bytes_per_second",
    )
    mean = Family(
        name="odfperf_io_latency_mean_seconds",
        help="Mean time from submission to completion, over all I/Os of all VMs.",
        unit="seconds",
    )
    latency = Family(
        name="odfperf_io_latency_seconds",
        help="Percentile of the time from submission to completion, over all I/Os of all VMs; absent where"
        " too few I/Os carry it.",
        unit="seconds",
    )
    of_key: dict[Key, list[RunTest]] = {}
    for test in content.tests:
        of_key.setdefault(test.key, []).append(test)
    for key, tests in of_key.items():
        labels = labels_text(dict(zip(FIELDS, key.fields, strict=True)))
        found = {test.state for test in tests}
        state.samples.append((f'{labels},state="{next(one for one in _WORST if one in found)}"', 1))
        records = [test.record for test in tests if test.record is not None]
        if not records:
            continue
        record = middle_repeat(records)
        seen: set[str] = set()
        for part in shown_parts(record):
            section = part.name
            while section in seen:
                section += "'"
            seen.add(section)
            shared = f"{labels},{labels_text({'section': section, 'marking': record.marking or ''})}"
            for direction in DIRECTIONS:
                measured: LatencyMeasurement | None = getattr(part, direction)
                if measured is None:
                    continue
                own = f'{shared},direction="{direction}"'
                rate.samples.append((own, measured.iops_per_s))
                if isinstance(measured, DirectionMeasurement):
                    bytes_rate.samples.append((own, measured.bw_bytes_per_s))
                mean.samples.append((own, measured.lat_mean_ns / 1e9))
                for name, percentile in _PERCENTILES.items():
                    if (value_ns := measured.carried_ns(name)) is not None:
                        latency.samples.append((f'{own},percentile="{percentile}"', value_ns / 1e9))
    yield from (state, rate, bytes_rate, mean, latency)
