"""What the options of a session ask for, before anything is looked up."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_odfperf.plugin.command_line.option_values import (
    Parallel,
    csv_layout,
    isolation,
    parallel,
    prometheus,
    repeats,
    rounds,
    seed,
)
from pytest_odfperf.plugin.command_line.options import INVALID, MODES, ini

if TYPE_CHECKING:
    from pytest_odfperf.report.tables.csv_layout import CsvLayout
    from pytest_odfperf.schedule.backends import Isolation

#: Options with which nothing is measured: one of them, and none that says what is measured or goes on.
_TASKS = ("odf_discover", "odf_cleanup", "odf_setup", "odf_compare", "odf_trend", "odf_report")
#: What narrows a measurement, and would not narrow what is removed.
_OF_KEYS = ("odf_filter", "odf_exclude", "odf_extra_sc")
_NOT_BESIDE = ("odf_resume", "odf_run_id", "odf_preflight", "odf_baseline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for, as given: nothing is looked up yet."""

    parallel: Parallel | None
    #: None: not said.
    isolation: Isolation | None
    #: A matrix file's path or a shipped matrix's name; None: not said.
    matrix: str | None
    pools: tuple[str, ...]
    filters: tuple[str, ...]
    excludes: tuple[str, ...]
    extra_storage_classes: tuple[str, ...]
    allow_not_ready: tuple[str, ...]
    resume: str | None
    run_id: str | None
    results: str
    dry_run: bool
    preflight: bool
    cluster: str | None
    fio: tuple[str, ...]
    #: None: not said.
    ramp: bool
    repeat: int | None
    rounds: int | None
    #: Runs to compare with, as given.
    baseline: str | None
    gate: bool
    force_compare: bool
    #: The baseline, and the run that is compared with it; then nothing is measured.
    compare: tuple[str, str] | None
    #: Runs whose course is shown; then nothing is measured.
    trend: tuple[str, ...]
    sentinels: tuple[str, ...]
    seed: int | None
    #: The columns of results.csv; None: not said.
    csv: CsvLayout | None
    #: Runs whose leftovers are removed; then nothing is measured.
    cleanup: tuple[str, ...]
    reap: bool
    #: Whether pools that the plugin made are removed, beside `cleanup`.
    cleanup_pools: bool = False
    #: Whether missing pools are made, and nothing is measured.
    setup: bool = False
    #: Whether missing pools are made, before anything is measured or by itself.
    makes_pools: bool = False
    #: Where Ceph's metrics are read in place of its manager.
    prometheus: str | None = None
    #: Runs whose reports are made again; then nothing is measured.
    report: tuple[str, ...] = ()
    #: The cluster's storage is proposed as a matrix; then nothing is measured.
    discover: bool = False

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def read_invalid(config: pytest.Config) -> str:
    """What becomes of a test whose measurement is invalid. Raises `pytest.UsageError`."""
    given = config.getoption("odf_invalid")
    found = str(given if given is not None else ini(config, "odf_invalid") or INVALID[0])
    if found not in INVALID:
        place = "--odf-invalid" if given is not None else f"odf_invalid in {config.inipath}"
        raise pytest.UsageError(f"{place}: {found!r:.60} is not known (known: {', '.join(INVALID)})")
    return found


def read_request(config: pytest.Config) -> Request:
    """The request of this pytest run. Raises `pytest.UsageError`."""

    def value(name: str) -> Any:
        given = config.getoption(name)
        # Of a shell variable that is not set; the default may run for days.
        if given == "" or (isinstance(given, list) and "" in given):
            raise pytest.UsageError(f"--{name.replace('_', '-')} is empty")
        return given if given not in (None, False) else ini(config, name) or None

    modes = [mode for mode in MODES if value(f"odf_{mode}")]
    if len(modes) > 1:
        raise pytest.UsageError(f"--odf-{modes[0]} and --odf-{modes[1]} exclude each other")
    if modes and value("odf_matrix"):
        raise pytest.UsageError(f"--odf-{modes[0]} and --odf-matrix exclude each other")
    cleanup = _cleanup(config)
    _check_one_task(config)
    read_invalid(config)
    if value("odf_preflight") and value("odf_dry_run"):
        raise pytest.UsageError("--odf-preflight and --odf-dry-run exclude each other")

    def parsed(name: str, parse: Callable[[str], Any]) -> Any:
        given = value(name)
        if not isinstance(given, str):
            return given
        try:
            return parse(given)
        except argparse.ArgumentTypeError as error:
            raise pytest.UsageError(f"{name} in {config.inipath}: {error}") from None

    many = parsed("odf_parallel", parallel)
    if config.getoption("odf") and config.getoption("odf_parallel") is None:
        many = None  # asked for on the command line: stronger than odf_parallel in the ini file
    baseline = value("odf_baseline")
    compare = config.getoption("odf_compare")
    for other in ("odf_gate", "odf_force_compare"):
        forced_alone = other == "odf_force_compare" and compare
        if value(other) and baseline is None and not value("odf_resume") and not forced_alone:
            raise pytest.UsageError(f"--{other.replace('_', '-')} needs --odf-baseline: runs to compare with")
    return Request(
        parallel=many,
        isolation=parsed("odf_isolation", isolation),
        prometheus=parsed("odf_prometheus", prometheus),
        matrix=modes[0] if modes else value("odf_matrix"),
        pools=tuple(value("odf_pool") or ()),
        filters=tuple(value("odf_filter") or ()),
        excludes=tuple(value("odf_exclude") or ()),
        extra_storage_classes=tuple(value("odf_extra_sc") or ()),
        allow_not_ready=tuple(value("odf_allow_not_ready") or ()),
        resume=value("odf_resume"),
        run_id=value("odf_run_id"),
        results=value("odf_results") or "results",
        dry_run=bool(value("odf_dry_run")),
        preflight=bool(value("odf_preflight")),
        cluster=value("odf_cluster"),
        fio=tuple(value("odf_fio") or ()),
        ramp=bool(value("odf_ramp")),
        repeat=parsed("odf_repeat", repeats),
        rounds=parsed("odf_rounds", rounds),
        baseline=baseline,
        gate=bool(value("odf_gate")),
        force_compare=bool(value("odf_force_compare")),
        compare=tuple(compare) if compare else None,
        trend=tuple(config.getoption("odf_trend") or ()),
        sentinels=tuple(value("odf_sentinel") or ()),
        seed=parsed("odf_seed", seed),
        csv=parsed("odf_csv", csv_layout),
        cleanup=cleanup,
        cleanup_pools=bool(config.getoption("odf_pools")),
        setup=bool(config.getoption("odf_setup")),
        makes_pools=bool(config.getoption("odf_setup")) or bool(config.getini("odf_setup")),
        reap=bool(config.getini("odf_reap")),
        report=tuple(config.getoption("odf_report") or ()),
        discover=bool(config.getoption("odf_discover")),
    )


def _cleanup(config: pytest.Config) -> tuple[str, ...]:
    """The runs of ``--odf-cleanup``; none if it only stands before ``--odf-pools``."""
    given = config.getoption("odf_cleanup")
    if config.getoption("odf_pools") and given is None:
        raise pytest.UsageError("--odf-pools needs --odf-cleanup: it removes pools")
    named = tuple(one for one in given or () if one is not None)
    if "" in named:
        raise pytest.UsageError("--odf-cleanup is empty")
    if given and not named and not config.getoption("odf_pools"):
        raise pytest.UsageError(
            "--odf-cleanup says nothing to remove: RUN, last, orphans, all or --odf-pools"
        )
    return named


def _check_one_task(config: pytest.Config) -> None:
    given = [name for name in _TASKS if config.getoption(name)]
    beside = [name for name in (*_NOT_BESIDE, "odf_dry_run") if config.getoption(name)]
    if given in (["odf_cleanup"], ["odf_setup"]):
        # They show what they would do.
        beside = [name for name in beside if name != "odf_dry_run"]
    if given == ["odf_setup"]:
        beside = [name for name in beside if name != "odf_resume"]
    if given == ["odf_cleanup"]:
        beside += [name for name in _OF_KEYS if config.getoption(name)]
        if config.getoption("odf_pool") and not config.getoption("odf_pools"):
            raise pytest.UsageError(
                "--odf-cleanup of runs takes no --odf-pool, since all of a run goes; with --odf-pools it "
                "says which pools are removed"
            )
    if given and (others := given[1:] + beside):
        one, other = (f"--{name.replace('_', '-')}" for name in (given[0], others[0]))
        raise pytest.UsageError(f"{one} and {other} exclude each other")
