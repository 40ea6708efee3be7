"""The command line and ini options. What they ask for is read by `request`."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.plugin.command_line.option_values import (
    csv_layout,
    isolation,
    parallel,
    prometheus,
    repeats,
    rounds,
    seed,
)

MODES = ("full", "quick", "overview", "rank")

#: What becomes of a test whose measurement is invalid; the first is usual.
INVALID = ("fail", "skip", "xfail")

#: Modes of pytest that show or debug: they run in this process.
IN_PROCESS = ("collectonly", "setupplan", "setuponly", "setupshow", "usepdb", "trace")


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
    single(
        "--odf-prometheus",
        "URL",
        "Read Ceph's metrics from this Prometheus or Thanos, in place of its manager.",
        type=prometheus,
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
    group.addoption(
        "--odf-setup",
        action="store_true",
        default=False,
        help="Make the pools of the matrix that have a recipe and are not there, and measure nothing; with "
        "--odf-dry-run show what would be made.",
    )
    parser.addini(
        "odf_setup", "Make the pools that are missing at a run's start.", type="bool", default=False
    )
    switch("--odf-preflight", "Check what a run would stumble over on the cluster; create nothing.")
    group.addoption(
        "--odf-discover",
        action="store_true",
        default=False,
        help="Write the StorageClasses of the cluster as a matrix to stdout, which extends --odf-matrix, and "
        "measure nothing.",
    )
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
    group.addoption(
        "--odf-trend",
        metavar="RUN",
        nargs="+",
        action="extend",
        default=None,
        help="Show three or more runs of a matrix over time (ids, globs, folders, 'all'): write trend.html "
        "and measure nothing (needs the extra 'compare').",
    )
    repeated("--odf-sentinel", "PAT", "Of --odf-trend: show keys that match first.")
    single(
        "--odf-repeat",
        "N",
        "Measure each key N times, in blocks of all keys of a VM group in random order.",
        type=repeats,
    )
    single(
        "--odf-rounds",
        "N",
        "Spread the repeats over N rounds: each has all pools, in an order of its own, with new VMs (without "
        "--odf-repeat: one repeat a round).",
        type=rounds,
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
        nargs="?",
        default=None,
        help="Remove what a run left on the cluster, and measure nothing; 'orphans': of all dead runs, "
        "'all': of all own dead runs; nothing: with --odf-pools. Repeatable.",
    )
    group.addoption(
        "--odf-pools",
        action="store_true",
        default=False,
        help="Of --odf-cleanup: remove the pools that --odf-setup made, and none that holds data.",
    )
    group.addoption(
        "--odf-report",
        metavar="RUN",
        nargs="+",
        action="extend",
        default=None,
        help="Make all reports again from the folders of runs (ids, 'last', paths), of several as one, and "
        "measure nothing.",
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
    return bool(ini(config, "odf")) or bool(ini(config, "odf_parallel"))


def ini(config: pytest.Config, name: str) -> Any:
    """The ini setting; pytest's own error does not say which one is wrong."""
    try:
        return config.getini(name)
    except (ValueError, TypeError, pytest.UsageError) as error:
        raise pytest.UsageError(f"{name} in {config.inipath}: {error}") from None


def given_lines(config: pytest.Config, name: str) -> list[str]:
    """The lines of an ini setting that has one value a line."""
    return list(ini(config, name) or ())


def announce_workers(early_config: pytest.Config) -> None:
    """Let plugins that look at xdist's options this early (pytest-cov) see that there will be workers.

    How many is decided later; these options are read by nobody after the start.
    """
    options = early_config.known_args_namespace
    wanted = getattr(options, "odf_parallel", None) or ini(early_config, "odf_parallel")
    in_process = any(getattr(options, name, False) for name in IN_PROCESS)
    open_yet = getattr(options, "dist", None) == "no" and getattr(options, "numprocesses", None) is None
    if wanted and open_yet and not in_process:
        options.dist = "loadgroup"
