"""From a request to the keys that it means, without any cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.overrides import add_storage_classes, allow_not_ready, for_capacity, override_fio
from pytest_odfperf.matrix.reading.load import MOST_KEYS, load_matrix
from pytest_odfperf.matrix.reading.matrix_check import check
from pytest_odfperf.matrix.select import select
from pytest_odfperf.matrix.serial import from_json
from pytest_odfperf.report.tables.csv_layout import CSV_LAYOUTS, CsvLayout
from pytest_odfperf.run.before.repeat_rounds import read_repeats
from pytest_odfperf.schedule.backends import ISOLATIONS, Isolation
from pytest_odfperf.schedule.jobs import Jobs, check_fit, render_jobs
from pytest_odfperf.schedule.limit_check import check_limits
from pytest_odfperf.schedule.repeat_blocks import LARGEST_SEED, MOST_REPEATS, seed_of
from pytest_odfperf.store.run_dir import RUN_JSON, RunDir

DEFAULT_MATRIX = "full"
CLUSTERS = ("kubeconfig", "sandbox")


class Request(Protocol):
    """What was asked for; see the options."""

    @property
    def parallel(self) -> int | str | None: ...
    @property
    def isolation(self) -> Isolation | None: ...
    @property
    def prometheus(self) -> str | None: ...
    @property
    def matrix(self) -> str | None: ...
    @property
    def pools(self) -> tuple[str, ...]: ...
    @property
    def filters(self) -> tuple[str, ...]: ...
    @property
    def excludes(self) -> tuple[str, ...]: ...
    @property
    def extra_storage_classes(self) -> tuple[str, ...]: ...
    @property
    def allow_not_ready(self) -> tuple[str, ...]: ...
    @property
    def resume(self) -> str | None: ...
    @property
    def run_id(self) -> str | None: ...
    @property
    def results(self) -> str: ...
    @property
    def cluster(self) -> str | None: ...
    @property
    def fio(self) -> tuple[str, ...]: ...
    @property
    def ramp(self) -> bool: ...
    @property
    def repeat(self) -> int | None: ...
    @property
    def rounds(self) -> int | None: ...
    @property
    def seed(self) -> int | None: ...
    @property
    def csv(self) -> CsvLayout | None: ...
    @property
    def makes_pools(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What runs, and on which kind of cluster."""

    matrix: Matrix
    keys: tuple[Key, ...]
    jobs: Jobs
    cluster: str
    parallel: int | str | None
    isolation: Isolation
    filters: tuple[str, ...]
    excludes: tuple[str, ...]
    pools: tuple[str, ...]
    #: How often each key is measured.
    repeats: int
    #: Over how many rounds of new VMs these are spread.
    rounds: int
    #: Of the order of repeats; None: it will be made of the run's id.
    seed: int | None
    #: The columns of results.csv.
    csv: CsvLayout
    #: The run that is gone on with, and its run.json.
    resumed: RunDir | None
    stored: Mapping[str, Any]
    #: What the run is compared with, as run.json keeps it.
    comparing: Mapping[str, Any] = field(default_factory=dict)
    #: Whether pools that are missing are made first.
    makes_pools: bool = False
    #: Where Ceph's metrics are read in place of its manager; None: they are not.
    prometheus: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The options as run.json keeps them; the matrix is kept beside, with overrides applied."""
        return {
            "parallel": self.parallel,
            "isolation": self.isolation,
            "filters": list(self.filters),
            "excludes": list(self.excludes),
            "pools": list(self.pools),
            "cluster": self.cluster,
            "repeat": self.repeats,
            "rounds": self.rounds,
            "seed": self.seed,
            "csv": self.csv,
            **self.comparing,
        }


def read_selection(request: Request) -> Selection:
    """The selection that ``request`` means. Raises `InputError`."""
    resumed: RunDir | None = None
    stored: Mapping[str, Any] = {}
    options: Mapping[str, Any] = {}
    if request.resume is not None:
        if request.run_id is not None:
            raise InputError("--odf-run-id and --odf-resume exclude each other: a resumed run keeps its id")
        resumed = RunDir.open(Path(request.results), request.resume)
        stored = resumed.read_run()
        options = stored_options(resumed, stored)
    if resumed is not None and request.matrix is None:
        matrix = stored_matrix(resumed, stored)
    else:
        matrix = load_matrix(request.matrix or DEFAULT_MATRIX)
    # The matrix of a resumed run has the pools that were added to it.
    known = {pool.name for pool in matrix.pools} if resumed is not None else set()
    extra = [name for name in request.extra_storage_classes if name not in known]
    matrix = override_fio(add_storage_classes(matrix, extra), request.fio)
    matrix = allow_not_ready(matrix, request.allow_not_ready)
    if request.ramp and not matrix.asks_capacity:
        matrix = for_capacity(matrix)
    filters = request.filters or tuple(options.get("filters", ()))
    excludes = request.excludes or tuple(options.get("excludes", ()))
    pools = request.pools or tuple(options.get("pools", ()))
    every = expand(matrix)
    keys = select(every, filters, excludes, pools)
    repeats, rounds = read_repeats(request.repeat, request.rounds, options)
    if rounds > 1 and matrix.asks_capacity:
        raise InputError("--odf-rounds and --odf-ramp exclude each other: a search is not spread over rounds")
    if repeats > 1 and matrix.asks_capacity:
        raise InputError("--odf-repeat and --odf-ramp exclude each other: capacity.repeats says how often")
    if len(keys) * repeats > MOST_KEYS:
        raise InputError(f"{repeats} repeats of {len(keys)} keys are more than {MOST_KEYS} measurements")
    jobs = render_jobs(matrix, keys)
    check_fit(matrix, jobs, keys)
    check_limits(matrix, every, keys, jobs)
    cluster = request.cluster or options.get("cluster") or matrix.cluster or "kubeconfig"
    if cluster not in CLUSTERS:
        raise InputError(f"--odf-cluster {cluster!r} is not known (known: {', '.join(CLUSTERS)})")
    return Selection(
        matrix=replace(matrix, cluster=cluster),
        keys=keys,
        jobs=jobs,
        cluster=cluster,
        parallel=request.parallel if request.parallel is not None else options.get("parallel"),
        isolation=request.isolation or options.get("isolation") or "none",
        filters=filters,
        excludes=excludes,
        pools=pools,
        repeats=repeats,
        rounds=rounds,
        seed=_seed(request, options),
        csv=request.csv or options.get("csv") or CSV_LAYOUTS[0],
        resumed=resumed,
        prometheus=request.prometheus,
        stored=stored,
        makes_pools=request.makes_pools,
    )


def _seed(request: Request, options: Mapping[str, Any]) -> int | None:
    """The seed that was given, or that the run was begun with, which can not be changed."""
    begun: int | None = options.get("seed")
    if begun is None:
        known = request.run_id
        return request.seed if request.seed or known is None else seed_of(known)
    if request.seed not in (None, begun):
        raise InputError(
            f"--odf-seed {request.seed}: the run was begun with seed {begun}, by which its blocks are "
            "ordered; leave it out"
        )
    return begun


def stored_matrix(run_dir: RunDir, stored: Mapping[str, Any]) -> Matrix:
    """The matrix in a run.json. Raises `InputError`."""
    try:
        return check(from_json(stored.get("matrix", {})))
    except InputError as error:
        raise InputError(f"its matrix: {error}", place=str(run_dir.path / RUN_JSON)) from error
    except ValueError as error:
        raise InputError(str(error), place=str(run_dir.path / RUN_JSON)) from error


def stored_options(run_dir: RunDir, stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options in a run.json. Raises `InputError`."""
    options = stored.get("options")
    place = str(run_dir.path / RUN_JSON)
    if not isinstance(options, dict):
        raise InputError("options is not an object", place=place)
    for name in ("filters", "excludes", "pools", "baseline"):
        given = options.get(name, [])
        if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
            raise InputError(f"options.{name} is not a list of texts", place=place)
    parallel = options.get("parallel")
    if parallel not in (None, "auto") and not (type(parallel) is int and parallel > 0):
        raise InputError(
            f"options.parallel is {parallel!r:.40}, not 'auto' or a number of pools", place=place
        )
    for name, most in (("repeat", MOST_REPEATS), ("rounds", MOST_REPEATS), ("seed", LARGEST_SEED)):
        number = options.get(name)
        if number is not None and not (type(number) is int and 1 <= number <= most):
            raise InputError(f"options.{name} is {number!r:.40}, not from 1 to {most}", place=place)
    if options.get("isolation", "none") not in ISOLATIONS:
        raise InputError(
            f"options.isolation is {options['isolation']!r:.40}, not one of {', '.join(ISOLATIONS)}",
            place=place,
        )
    if options.get("csv", CSV_LAYOUTS[0]) not in CSV_LAYOUTS:
        raise InputError(
            f"options.csv is {options['csv']!r:.40}, not one of {', '.join(CSV_LAYOUTS)}", place=place
        )
    if not isinstance(options.get("cluster"), str | None):
        raise InputError("options.cluster is not a text", place=place)
    return options
