"""What a session says before it measures: the run, the cluster, what is kept apart and what is not."""

from __future__ import annotations

from pytest_odfperf.errors import one_line
from pytest_odfperf.plugin.output.session_outputs import relative
from pytest_odfperf.report.html_page.html import RunContext
from pytest_odfperf.run.before.prepare import Workers
from pytest_odfperf.run.controller.open_run import Run
from pytest_odfperf.schedule.backends import apart_by, groups
from pytest_odfperf.schedule.plan_text import count_text, repeats_text


def header_lines(run: Run, workers: Workers, count: int) -> list[str]:
    """For ``pytest_report_header``; ``count`` is the number of xdist workers, 0 without them."""
    plan, facts = run.plan, run.facts
    pools = dict.fromkeys(key.pool for key in plan.keys)
    shown = ", ".join(list(pools)[:8]) + (f" and {len(pools) - 8} more" if len(pools) > 8 else "")
    at_once = f"{count_text(range(count), 'pool')} at once" if count else "one pool after the other"
    given = ""
    if count != workers.count:
        given = f"-n {count} given; otherwise " if count else "in this process; otherwise "
    lines = [
        f"odfperf: run {plan.run_id} in {relative(run.run_dir.path)}",
        f"odfperf: cluster {facts.server}, namespace {plan.matrix.namespace}",
        f"odfperf: matrix {plan.matrix.name}: {count_text(plan.keys, 'key')} on "
        f"{count_text(pools, 'pool')}: {shown}",
        f"odfperf: {at_once}: {given}{workers.why}",
    ]
    if plan.repeats > 1:
        lines.insert(3, f"odfperf: {repeats_text(plan.repeats, plan.rounds, plan.seed)}")
    if (who := run.opened.cluster.impersonation).user:
        lines.insert(2, f"odfperf: every request is made as {who} (`as` of the kubeconfig)")
    if run.marking:
        lines.insert(0, f"odfperf: {run.marking}: no figure of this run comes from real storage")
    if facts.forbidden:
        kinds = ", ".join(facts.forbidden)
        lines.append(f"odfperf: not read, since it is forbidden: {kinds} (docs/openshift.md: Rights)")
    lines += _together(run, count)
    lines += [f"odfperf: pool {pool}: {note}" for pool, note in plan.pool_notes.items() if pool in pools]
    lines += [f"odfperf: pool {pool} is skipped: {why}" for pool, why in plan.skipped_pools.items()]
    return [one_line(line) for line in (*lines, *(f"odfperf: {line}" for line in run.lines))]


def _together(run: Run, count: int) -> list[str]:
    """Pools that are measured at one time though they share devices, or may."""
    if count < 2 or run.apart is not None:
        return []
    pools = [
        pool
        for pool in dict.fromkeys(key.pool for key in run.plan.keys)
        if pool not in run.plan.skipped_pools
    ]
    near = [group for group in groups(pools, apart_by(run.facts.backends)) if len(group) > 1]
    return [
        f"odfperf: at one time, on the same devices or on some that may be: {', '.join(group)} "
        "(--odf-isolation backend keeps them apart)"
        for group in near
    ]


def page_context(run: Run, workers: Workers, count: int, report: str | None) -> RunContext:
    """What pytest-html's page says of the run; ``report``: where the run's own is."""
    plan = run.plan
    repeats = (("Repeats", repeats_text(plan.repeats, plan.rounds, plan.seed)),) if plan.repeats > 1 else ()
    return RunContext(
        run_id=plan.run_id,
        cluster=run.facts.server,
        matrix=run.selection.matrix.name,
        when=str(run.content["started_at"]),
        marking=run.marking,
        report=report,
        facts=(
            ("Pools at once", f"{max(1, count)} ({workers.why})"),
            ("Isolation", f"{run.selection.isolation} (--odf-isolation)"),
            *repeats,
            *((f"Pool {pool}", note) for pool, note in run.plan.pool_notes.items()),
            *((f"Pool {pool} skipped", why) for pool, why in run.plan.skipped_pools.items()),
        ),
    )
