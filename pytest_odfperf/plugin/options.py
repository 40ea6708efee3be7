"""The command line and ini options, and the request that they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_odfperf.plugin.option_values import Parallel, csv_layout, isolation, parallel, repeats, seed

if TYPE_CHECKING:
    from pytest_odfperf.report.tables.csv_layout import CsvLayout
    from pytest_odfperf.schedule.backends import Isolation

MODES = ("full", "quick", "overview", "rank")

#: What becomes of a test whose measurement is invalid; the first is usual.
INVALID = ("fail", "skip", "xfail")

#: Modes of pytest that show or debug: they run in this process.
IN_PROCESS = ("collectonly", "setupplan", "setuponly", "setupshow", "usepdb", "trace")


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
    #: Runs to compare with, as given.
    baseline: str | None
    gate: bool
    force_compare: bool
    #: The baseline, and the run that is compared with it; then nothing is measured.
    compare: tuple[str, str] | None
    seed: int | None
    #: The columns of results.csv; None: not said.
    csv: CsvLayout | None
    #: Runs whose leftovers are removed; then nothing is measured.
    cleanup: tuple[str, ...]
    reap: bool

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def read_invalid(config: pytest.Config) -> str:
    """What becomes of a test whose measurement is invalid. Raises `pytest.UsageError`."""
    given = config.getoption("odf_invalid")
    found = str(given if given is not None else _ini(config, "odf_invalid") or INVALID[0])
    if found not in INVALID:
        place = "--odf-invalid" if given is not None else f"odf_invalid in {config.inipath}"
        raise pytest.UsageError(f"{place}: {found!r:.60} is not known (known: {', '.join(INVALID)})")
    return found


def add_options(parser: pytest.Parser) -> None:
    """Declare every option, on the command line and as an ini setting of the same name."""
    group = parser.getgroup("odfperf", "storage of virtual machines on OpenShift (pytest-odfperf)")

    def single(flag: str, metavar: str, text: str, **more: Any) -> None:
        group.addoption(flag, metavar=metavar, default=None, help=text, **more)
        parser.addini(_dest(flag), f"{text} (as {flag})", type="string", default=None)

    def repeated(flag: str, metavar: str, text: str) -> None:
        group.addoption(flag, metavar=metavar, action="append", default=None, help=f"{text} Repeatable.")
        parser.addini(_dest(flag), f"{text} One a line (as {flag}).", type="linelist", default=None)

    def switch(flag: str, text: str) -> None:
        group.addoption(flag, action="store_true", default=False, help=text)
        parser.addini(_dest(flag), f"{text} (as {flag})", type="bool", default=False)

    switch("--odf", "Measure the matrix, one pool after the other.")
    single(
        "--odf-parallel",
        "N|auto",
        "Measure pools in parallel; without a number as many as the cluster's capacity allows.",
        nargs="?",
        const="auto",
        type=parallel,
    )
    single(
        "--odf-isolation",
        "none|backend|pool",
        "What is never measured at one time: 'backend': pools that share devices, or may; 'pool': any two.",
        type=isolation,
    )
    single("--odf-matrix", "FILE", "The matrix: a YAML file, or the name of one that ships with the plugin.")
    for mode in MODES:
        switch(f"--odf-{mode}", f"The shipped matrix '{mode}'{' (the default)' if mode == 'full' else ''}.")
    repeated("--odf-pool", "NAME", "Measure this pool only.")
    repeated(
        "--odf-filter",
        "PAT",
        "Measure keys that match pool:size:pvc:concurrency:profile:bs, globs in each field.",
    )
    repeated("--odf-exclude", "PAT", "Do not measure keys that match; wins over --odf-filter.")
    repeated("--odf-extra-sc", "NAME", "Measure this StorageClass too, as a pool of its name.")
    repeated(
        "--odf-allow-not-ready",
        "POOL|*",
        "Measure this pool also while its Ceph object is not Ready; its results say so.",
    )
    single(
        "--odf-resume",
        "RUN|last",
        "Go on with an earlier run: its matrix and options, what is left of its keys.",
    )
    single("--odf-run-id", "ID", "The id of the new run (default: perf-, the time, four random characters).")
    single("--odf-results", "DIR", "Where run folders are made (default: results).")
    switch("--odf-dry-run", "Show what would run and what it would take; create nothing.")
    switch("--odf-preflight", "Check what a run would stumble over on the cluster; create nothing.")
    single("--odf-cluster", "WHERE", "'kubeconfig' (the default; also in-cluster) or 'sandbox'.")
    single(
        "--odf-invalid",
        "|".join(INVALID),
        "What becomes of a test whose measurement is invalid: docs/verdicts.md (default: fail).",
    )
    switch("--odf-ramp", "How many VMs, at the rate of the matrix's `capacity`, does each pool carry?")
    single(
        "--odf-baseline",
        "RUN[,RUN...]",
        "Compare with earlier runs at the end: run ids, 'last', or run folders (needs the extra 'compare').",
    )
    switch("--odf-gate", "Fail the run on regressions that measuring again confirms; needs --odf-baseline.")
    switch("--odf-force-compare", "Compare with unlike runs too, and say in what they differ.")
    group.addoption(
        "--odf-compare",
        metavar=("RUN", "RUN"),
        nargs=2,
        default=None,
        help="Compare two runs that are over, the first (or several: RUN,RUN) being the baseline: write "
        "comparison.html and measure nothing (needs the extra 'compare').",
    )
    single(
        "--odf-repeat",
        "N",
        "Measure each key N times, in blocks of all keys of a VM group in random order.",
        type=repeats,
    )
    repeated(
        "--odf-notify",
        "URL",
        "Tell the service behind this apprise URL of the run's start, first failure and end (needs the extra "
        "'notify'). It holds secrets: better in the environment variable ODFPERF_NOTIFY.",
    )
    single(
        "--odf-csv",
        "full|original",
        "The columns of results.csv: all, with their units, or those of storage-perf-tests (default: full).",
        type=csv_layout,
    )
    single("--odf-seed", "N", "The seed of that order (default: made of the run's id).", type=seed)
    group.addoption(
        "--odf-cleanup",
        metavar="RUN|last|orphans|all",
        action="append",
        default=None,
        help="Remove what a run left on the cluster, and measure nothing; 'orphans': of all dead runs, "
        "'all': of all own dead runs. Repeatable.",
    )
    parser.addini("odf_reap", "Remove orphans of the namespace at the start.", type="bool", default=False)
    repeated(
        "--odf-fio",
        "KEY=VALUE",
        "Override a fio setting: runtime, ramp, iodepth, numjobs, file_size, target, rate_iops.",
    )


def _dest(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def is_active(config: pytest.Config) -> bool:
    """Whether this pytest run measures: any ``--odf*`` option, or ``odf``/``odf_parallel`` as ini."""
    given = (name for name in vars(config.option) if name == "odf" or name.startswith("odf_"))
    if any(config.getoption(name) not in (None, False) for name in given):
        return True
    return bool(_ini(config, "odf")) or bool(_ini(config, "odf_parallel"))


def _ini(config: pytest.Config, name: str) -> Any:
    """The ini setting; pytest's own error does not say which one is wrong."""
    try:
        return config.getini(name)
    except (ValueError, TypeError, pytest.UsageError) as error:
        raise pytest.UsageError(f"{name} in {config.inipath}: {error}") from None


def given_lines(config: pytest.Config, name: str) -> list[str]:
    """The lines of an ini setting that has one value a line."""
    return list(_ini(config, name) or ())


def announce_workers(early_config: pytest.Config) -> None:
    """Let plugins that look at xdist's options this early (pytest-cov) see that there will be workers.

    How many is decided later; these options are read by nobody after the start.
    """
    options = early_config.known_args_namespace
    wanted = getattr(options, "odf_parallel", None) or _ini(early_config, "odf_parallel")
    in_process = any(getattr(options, name, False) for name in IN_PROCESS)
    open_yet = getattr(options, "dist", None) == "no" and getattr(options, "numprocesses", None) is None
    if wanted and open_yet and not in_process:
        options.dist = "loadgroup"


def read_request(config: pytest.Config) -> Request:
    """The request of this pytest run. Raises `pytest.UsageError`."""

    def value(name: str) -> Any:
        given = config.getoption(name)
        # Of a shell variable that is not set; the default may run for days.
        if given == "" or (isinstance(given, list) and "" in given):
            raise pytest.UsageError(f"--{name.replace('_', '-')} is empty")
        return given if given not in (None, False) else _ini(config, name) or None

    modes = [mode for mode in MODES if value(f"odf_{mode}")]
    if len(modes) > 1:
        raise pytest.UsageError(f"--odf-{modes[0]} and --odf-{modes[1]} exclude each other")
    if modes and value("odf_matrix"):
        raise pytest.UsageError(f"--odf-{modes[0]} and --odf-matrix exclude each other")
    cleanup = tuple(config.getoption("odf_cleanup") or ())
    if cleanup and config.getoption("odf_compare"):
        raise pytest.UsageError("--odf-cleanup and --odf-compare exclude each other")
    for other in ("odf_resume", "odf_run_id"):
        if cleanup and config.getoption(other):
            raise pytest.UsageError(f"--odf-cleanup and --{other.replace('_', '-')} exclude each other")
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
        baseline=baseline,
        gate=bool(value("odf_gate")),
        force_compare=bool(value("odf_force_compare")),
        compare=tuple(compare) if compare else None,
        seed=parsed("odf_seed", seed),
        csv=parsed("odf_csv", csv_layout),
        cleanup=cleanup,
        reap=bool(config.getini("odf_reap")),
    )
