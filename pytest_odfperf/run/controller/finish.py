"""What is written when a run has ended, from its records alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_odfperf.measure.capacity.depth_sweep import DepthSweep
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.comparison_text import ComparisonReport, comparison_json
from pytest_odfperf.report.summary import PoolCounts, count
from pytest_odfperf.report.tables.capacity_table import depths_csv, steps_csv
from pytest_odfperf.report.tables.keys_csv import render_keys_csv
from pytest_odfperf.report.tables.ranking_table import RankingReport, ranking_csv, ranking_json
from pytest_odfperf.report.tables.results_csv import render_csv
from pytest_odfperf.run.before.earlier_results import by_test, read_records_of
from pytest_odfperf.store.run_dir import RunDir

CSV = "results.csv"
RANKING_CSV, RANKING_JSON = "ranking.csv", "ranking.json"
COMPARISON_JSON = "comparison.json"
KEYS_CSV = "results-keys.csv"
CAPACITY_CSV, DEPTHS_CSV = "capacity.csv", "depth-sweep.csv"
POOL_SUMMARY = ".pool-summary"


def final_records(run_dir: RunDir, definitions: Mapping[str, str]) -> list[Record]:
    """The record of each test that counts, in the order of the keys of ``definitions``, others after them.

    Raises `StoreError`.
    """
    records, _ = read_records_of(run_dir)
    place = {key: index for index, key in enumerate(definitions)}
    return sorted(
        by_test(records, definitions).values(), key=lambda record: place.get(str(record.key), len(place))
    )


def write_ranking(run_dir: RunDir, report: RankingReport) -> None:
    """ranking.csv and ranking.json, if pools can be ranked. Raises `StoreError`."""
    if report.there:
        run_dir.write_text(RANKING_CSV, ranking_csv(report))
        run_dir.write_json(RANKING_JSON, ranking_json(report))


def write_comparison(run_dir: RunDir, report: ComparisonReport) -> None:
    """comparison.json. Raises `StoreError`."""
    run_dir.write_json(COMPARISON_JSON, comparison_json(report))


def write_capacity(run_dir: RunDir, records: Sequence[Record], sweeps: Sequence[DepthSweep]) -> None:
    """capacity.csv and depth-sweep.csv, where there is something in them. Raises `StoreError`."""
    if any(record.capacity is not None for record in records):
        run_dir.write_text(CAPACITY_CSV, steps_csv(records))
    if sweeps:
        run_dir.write_text(DEPTHS_CSV, depths_csv(sweeps))


def write_outputs(
    run_dir: RunDir, records: Sequence[Record], pools: Iterable[str], repeats: int = 1
) -> dict[str, PoolCounts]:
    """Both tables and each pool's ``.pool-summary``; returns the counts by pool. Raises `StoreError`.

    ``repeats`` are those asked for of each key; ``pools`` are those that were to run, though they may have no
    record.
    """
    run_dir.write_text(CSV, render_csv(records))
    run_dir.write_text(KEYS_CSV, render_keys_csv(records, repeats))
    counts = count(records, pools)
    for pool, one in counts.items():
        run_dir.write_text(f"{pool}/{POOL_SUMMARY}", one.line)
    return counts
