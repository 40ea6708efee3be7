"""A run as its controller sees it: opened once, closed in any case, nothing of it left on the cluster."""

from __future__ import annotations

import datetime
import platform
import secrets
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_odfperf.errors import InterruptedRunError, OdfError, StoreError, one_line
from pytest_odfperf.matrix.definition import METHOD
from pytest_odfperf.matrix.serial import to_json
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.run_page.begun_page import begun_page
from pytest_odfperf.run.before.cluster_choice import OpenedCluster, open_cluster
from pytest_odfperf.run.before.earlier_results import by_test, read_earlier
from pytest_odfperf.run.before.prepare import check_runnable, facts_json, make_plan
from pytest_odfperf.run.before.selection import Selection
from pytest_odfperf.run.before.setup.pool_setup import set_up
from pytest_odfperf.run.controller.held_run import Ending, HeldRun, hold_run
from pytest_odfperf.run.controller.storage_watch import StorageWatch
from pytest_odfperf.run.counters_journal import CountersJournal
from pytest_odfperf.run.health_journal import HealthJournal
from pytest_odfperf.run.interrupt import Interrupt
from pytest_odfperf.run.load_journal import LoadJournal
from pytest_odfperf.run.outage_journal import OutageJournal, outage_lines, read_outages
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.run.pool_log import LOGGER, PoolLog
from pytest_odfperf.run.reports.output_table import REPORT_HTML
from pytest_odfperf.schedule.backends import Apart, apart_by_isolation
from pytest_odfperf.store.run_dir import RUN_JSON, SCHEMA, RunDir
from pytest_odfperf.waiting import Deadline

if TYPE_CHECKING:
    from pytest_odfperf.cluster.facts.cluster_facts import ClusterFacts

#: The controller does nothing else meanwhile.
_CLEAR_S = 60.0
_PACKAGES = ("pytest-odfperf", "pytest", "pytest-xdist", "pytest-html", "kubernetes", "paramiko")


@dataclass(kw_only=True)
class Run:
    """An open run. ``lines`` are what the user should know of its start."""

    selection: Selection
    plan: Plan
    run_dir: RunDir
    opened: OpenedCluster
    held: HeldRun
    interrupt: Interrupt
    #: Records of the run that is gone on with, by test: those that count.
    earlier: dict[str, Record]
    content: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    ending: Ending | None = None
    #: Why run.json does not say how the run ended, if so.
    unsaved: str | None = None

    @property
    def facts(self) -> ClusterFacts:
        return self.opened.facts

    @property
    def marking(self) -> str | None:
        return self.plan.marking

    @cached_property
    def apart(self) -> Apart | None:
        """Which pools may be measured at one time; None: all of them."""
        return apart_by_isolation(self.selection.isolation, self.facts.backends)

    @property
    def is_incomplete(self) -> bool:
        """Whether something stays on the cluster that should be gone, or a pool could not be made."""
        made = self.opened.set_up
        left = self.ending is not None and bool(self.ending.left)
        return left or (made is not None and bool(made.failed))

    def clear(self, pool: str) -> None:
        """Delete what a worker that is gone left of ``pool``, and wait for it.

        What can not be deleted is in the log, and left to the end of the run.
        """
        from pytest_odfperf.cluster.groups.group_kinds import MADE
        from pytest_odfperf.cluster.groups.removal import remove
        from pytest_odfperf.vm.labels import pool_selector

        matrix, stop = self.plan.matrix, self.interrupt.stop
        selector = pool_selector(self.plan.run_id, pool)
        deadline = Deadline(f"the VMs of pool {pool} to be gone", min(_CLEAR_S, matrix.timeouts.delete_s))
        try:
            left = remove(self.opened.cluster, matrix.namespace, selector, MADE, deadline, stop)
        except InterruptedRunError:
            return
        except OdfError as error:
            left = (str(error),)
        if not left:
            LoadJournal(self.run_dir.path, "controller").says(pool, None)
        for what in left:
            LOGGER.warning("pool %s was left by its worker, and is not gone: %s", pool, what)

    @property
    def outages(self) -> list[str]:
        """What the user should know of the API server's outages."""
        return outage_lines(read_outages(self.run_dir.path))

    def save(self, **more: Any) -> None:
        """Write run.json anew, with ``more`` in it. Raises `StoreError`."""
        self.content.update(more)
        self.run_dir.write_json(RUN_JSON, self.content)

    def end(self) -> None:
        """Leave the cluster clean, and say in run.json how the run ended. Does it once.

        Also what is left on the cluster, and when its API server was away.
        """
        if "ended_at" in self.content:
            return
        self.ending = self.held.end()
        try:
            self.save(
                ended_at=now(),
                ended_by=self.interrupt.cause or "normal",
                left=list(self.ending.left),
                outages=read_outages(self.run_dir.path),
            )
        except StoreError as error:
            self.unsaved = str(error)

    @property
    def last_lines(self) -> list[str]:
        """What was deleted and what was not, and how to go on, of a run that was ended or left something."""
        lines = [f"odfperf: {one_line(self.unsaved)}"] if self.unsaved else []
        return [*lines, *self.held.last_lines(self.ending)] if self.ending is not None else lines


@contextmanager
def open_run(
    selection: Selection,
    *,
    run_id: str | None,
    results: Path,
    checkpoint_dir: Callable[[Path], Path | None],
    interrupt: Interrupt,
    reap: bool = False,
    check: Callable[[ClusterFacts], None] = lambda _: None,
    cleanup_options: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> Generator[Run]:
    """Open a run: cluster, run object, folder, plan. Raises `OdfError` before anything is measured.

    ``checkpoint_dir`` maps the run's folder to the folder of its checkpoint. With ``reap`` orphans of the
    namespace are removed first; else they are named, with ``cleanup_options`` in the command that does it.
    ``check`` may refuse the cluster before anything is made on it. ``say`` is told of pools that are made.
    """
    run_dir = selection.resumed or RunDir(results.absolute(), run_id or new_run_id())
    if selection.resumed is None and run_dir.path.exists():
        run_dir.create()  # says that it exists, before a cluster is started for it
    with ExitStack() as stack:
        if selection.resumed is not None:
            stack.enter_context(run_dir.locked())
        making = stack.enter_context(ExitStack())
        make_pools = partial(set_up, selection=selection, stop=interrupt.stop, say=say, held=making)
        opened = stack.enter_context(
            open_cluster(selection, interrupt.stop, make_pools if selection.makes_pools else None)
        )
        if selection.resumed is None:
            check_runnable(selection, opened.facts)
        check(opened.facts)
        from pytest_odfperf.guest.ssh_keys import new_key_pair

        matrix = selection.matrix
        pools = dict.fromkeys(key.pool for key in selection.keys)
        classes = dict.fromkeys(matrix.pool(pool).storage_class for pool in pools)
        held = stack.enter_context(hold_run(opened, matrix, run_dir, interrupt, classes))
        # From here on the run's own Lease says what it measures on.
        making.close()
        if selection.resumed is None:
            page = begun_page(run_dir.run_id, f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d %H:%M:%S}")
            run_dir.create({REPORT_HTML: page})
            stack.enter_context(run_dir.locked())
        else:
            run_dir.reopen()
        folder = checkpoint_dir(run_dir.path) or run_dir.path / ".checkpoint"
        earlier = read_earlier(selection.resumed, folder)
        opened.cluster.outages.listeners.append(OutageJournal(run_dir.path, "controller").add)
        LoadJournal(run_dir.path, "controller").begin()
        found = held.look_for_others(cleanup_options, reap=reap)
        pair = new_key_pair()
        plan = make_plan(
            selection,
            opened.facts,
            run_id=run_dir.run_id,
            run_dir=run_dir.path.absolute(),
            checkpoint_dir=folder.absolute(),
            earlier=earlier,
            kubeconfig=opened.kubeconfig,
            owner=held.owner.to_json(),
            client_key=pair,
            other_runs=found.loading,
        )
        run = Run(
            selection=selection,
            plan=plan,
            run_dir=run_dir,
            opened=opened,
            held=held,
            interrupt=interrupt,
            earlier=by_test(earlier.records, plan.definitions),
            content={},
            lines=list(earlier.lines),
        )
        _say_what_is_resumed(run)
        run.lines += found.lines
        if unknown := [pool for pool in opened.facts.health.unknown if pool in plan.selected_pools]:
            run.lines.append(
                f"whether Ceph is healthy is not known for {', '.join(unknown)}: its CephCluster could not "
                "be read (docs/openshift.md: Rights)"
            )
        run.content.update(
            schema=SCHEMA,
            method=METHOD,
            run_id=run_dir.run_id,
            marking=plan.marking,
            started_at=now(),
            options={**selection.to_json(), "seed": plan.seed},
            matrix=to_json(matrix),
            definitions=dict(plan.definitions),
            found=facts_json(opened.facts),
            versions={name: version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        )
        if opened.set_up is not None:
            run.content["pools_made"] = opened.set_up.to_json()
        watch = StorageWatch(
            opened.cluster,
            opened.facts.health.states,
            HealthJournal(run_dir.path),
            CountersJournal(run_dir.path),
            selection.prometheus,
        )
        stack.callback(watch.close)
        # The last resort if the session did not come to its own end.
        stack.callback(run.end)
        run.save()
        run.lines += watch.start()
        _log_what_is_skipped(plan)
        yield run


def _log_what_is_skipped(plan: Plan) -> None:
    """Reports lead to the log of each pool, also of one that nobody measures. Raises `StoreError`."""
    log = PoolLog(plan.run_path)
    for pool, why in plan.skipped_pools.items():
        log.switch(pool)
        LOGGER.warning("pool %s is skipped: %s", pool, why)
    log.close()


def _say_what_is_resumed(run: Run) -> None:
    if run.selection.resumed is None:
        return
    found = run.selection.stored.get("found")
    before = found.get("server") if isinstance(found, dict) else None
    # A sandbox has another address each time.
    if run.opened.lasts and before != run.facts.server:
        run.lines.append(f"this run began on {before}: if that is another cluster, its reports mix both")
    definitions = run.plan.definitions
    done = [record for test, record in run.earlier.items() if test in run.plan.done]
    selected = [record for record in done if str(record.key) in definitions]
    same = [record for record in selected if record.definition == definitions[str(record.key)]]
    run.lines.append(f"resumes run {run.plan.run_id}: {len(same)} tests completed earlier")
    if changed := sorted({str(record.key) for record in selected} - {str(record.key) for record in same}):
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        run.lines.append(f"measured again, since their definition changed: {', '.join(changed[:3])}{more}")


def new_run_id() -> str:
    """The time, and what tells apart runs that CI starts in one second."""
    now = datetime.datetime.now(tz=datetime.UTC)
    return f"perf-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def now() -> str:
    """This moment, as run.json writes it."""
    return datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="milliseconds")
