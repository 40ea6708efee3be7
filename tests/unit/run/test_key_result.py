"""What a user's test gets: one figure where there is one, each section's where they are unlike."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_odfperf.errors import UnlikeSectionsError
from pytest_odfperf.measure.aggregate import Measurement
from pytest_odfperf.measure.record import Record
from pytest_odfperf.run.worker.key_result import Measured, Result


def result_of(record: Record) -> Result:
    measurement = Measurement(jobs=record.jobs, read=record.read, write=record.write, sync=record.sync)
    measured = Measured(
        measurement=measurement, guests=record.guests, start_skew_ms=None, marking=None, artefacts=()
    )
    return Result(key=record.key, measured=measured)


def test_a_direction_of_unlike_sections_is_asked_for_by_section(make_unlike: Callable[..., Record]) -> None:
    result = result_of(make_unlike())
    with pytest.raises(UnlikeSectionsError) as raised:
        _ = result.write
    assert "profile db has no one figure for write: wal, mix differ" in str(raised.value)
    assert "odf_result.job('wal').write" in str(raised.value)
    found = [job.write.iops_per_s for job in result.jobs if job.write]
    assert found == [300, 40]
    assert (write := result.job("wal").write) is not None
    assert write.iops_per_s == 300
    # Only one section reads, and one commits.
    assert result.read is not None
    assert result.sync is not None
    assert result.sync.lat_p99_ns == 5_000_000
    assert len(result.directions) == 4
    with pytest.raises(LookupError, match="no section 'log', but: wal, mix"):
        result.job("log")


def test_a_direction_that_the_profile_does_not_do_is_none(make_record: Callable[..., Record]) -> None:
    result = result_of(make_record())
    assert result.read is not None
    assert (result.write, result.sync) == (None, None)
