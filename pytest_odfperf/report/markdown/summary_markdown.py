"""The summary of a run. At most 60 kB: GitHub takes 64 Ki characters in a comment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_odfperf.report.content.result_state import STATES, WORDS
from pytest_odfperf.report.content.run_content import RunContent, RunFacts
from pytest_odfperf.report.decisions_text import judged
from pytest_odfperf.report.machine_pairs_text import HEADING, HEADS, columns, in_one_line, pairs_of
from pytest_odfperf.report.markdown.markdown_text import code, table_head, table_row
from pytest_odfperf.report.markdown.run_problems import problems_of
from pytest_odfperf.report.run_page.run_head import sentence
from pytest_odfperf.report.tables.ranking_table import NAMES, ranking_of

LARGEST_BYTES = 60_000
#: Rows of each table.
_ROWS = {"pools": 50, "virtualisation": 20, "limits": 20, "regressions": 20, "problems": 15}
#: What is kept for the lines after a table.
_REST_BYTES = 1000
_KEY_LENGTH = 160


def summary_markdown(content: RunContent, report: str = "report.html") -> str:
    """The whole file; ``report`` is where its reader finds the report."""
    lines = list(_head(content))
    for name, head, rows in (
        ("pools", *_pools(content)),
        ("virtualisation", *_virtualisation(content)),
        ("limits", *_limits(content)),
        ("regressions", *_regressions(content)),
        ("problems", *_problems(content)),
    ):
        if rows:
            lines += ["", *head]
            lines += _fitting(rows, _ROWS[name], LARGEST_BYTES - _REST_BYTES - _size(lines))
    # Of merged runs each has its own.
    own = ["results.jsonl"] if len(content.runs) == 1 else []
    links = ["results-keys.csv", *own, "junit.xml"]
    lines += ["", f"[Report]({report}); beside it {', '.join(f'`{name}`' for name in links)}."]
    return "\n".join(lines) + "\n"


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)


def _fitting(rows: Sequence[str], most: int, most_bytes: int) -> list[str]:
    """As many rows as may be, and how many are left out."""
    kept: list[str] = []
    for row in rows[:most]:
        most_bytes -= _size([row])
        if most_bytes < 0:
            break
        kept.append(row)
    left = len(rows) - len(kept)
    return [*kept, "", f"and {left} more rows, in the report."] if left else kept


def _head(content: RunContent) -> Iterator[str]:
    counts = content.counts
    yield f"### {sentence(content)}"
    yield ""
    if content.marking:
        yield f"**{code(content.marking)}**: these figures are not those of storage alone."
        yield ""
    runs = ", ".join(code(run.run_id) for run in content.runs)
    matrix = code((content.runs[0].content.get("matrix") or {}).get("name") or "not known")
    yield f"{'Runs' if len(content.runs) > 1 else 'Run'} {runs}, matrix {matrix}."
    far = f"{len(content.records)} of {len(content.tests)} tests are done."
    for run in content.runs:
        if not run.ended:
            yield f"{_going(run)} {far}"
        elif (how := run.content.get("ended_by")) not in (None, "normal"):
            yield f"{code(run.run_id)} was ended by {code(how)}. {far}"
    yield ""
    yield from table_head([WORDS[state] for state in STATES], numbers=len(STATES))
    yield table_row(counts[state] for state in STATES)


def _going(run: RunFacts) -> str:
    if run.progress is None:
        return f"{code(run.run_id)} has not ended: it goes on, or was killed."
    return f"{code(run.run_id)}: {code(run.progress.text, _KEY_LENGTH * 4)}."


def _pools(content: RunContent) -> tuple[list[str], list[str]]:
    report = content.once(ranking_of)
    shown = [state for state in STATES if content.counts[state]]
    ranks = report.rankings if report.there else ()
    names = ["Pool", *(WORDS[state] for state in shown)]
    for ranking in ranks:
        names += [f"rank by {NAMES[ranking.metric]}", "of best"]
    states = Counter((test.key.pool, test.state) for test in content.tests)
    places = [{one.pool: one for one in ranking.pools} for ranking in ranks]
    rows = []
    for pool in content.pools:
        cells: list[object] = [code(pool, _KEY_LENGTH), *(states[pool, state] for state in shown)]
        for place in places:
            one = place.get(pool)
            cells += [one.text, f"{one.share:.1%}"] if one else ["incomplete", ""]
        rows.append(table_row(cells))
    return ["#### Pools", "", *table_head(names, numbers=len(names) - 1)], rows


def _virtualisation(content: RunContent) -> tuple[list[str], list[str]]:
    rows = [
        table_row([code(pair.vm.key, _KEY_LENGTH), code(pair.pod.key.size), *columns(pair)])
        for pair in content.once(pairs_of)
    ]
    return [f"#### {HEADING}", "", in_one_line(content), "", *table_head(HEADS, numbers=5)], rows


def _limits(content: RunContent) -> tuple[list[str], list[str]]:
    broken = [(record, one) for record, one in judged(content.records) if one.outcome == "broken"]
    rows = [
        table_row([code(record.key, _KEY_LENGTH), code(one.limit, _KEY_LENGTH), code(one.why)])
        for record, one in broken
    ]
    return ["#### Broken limits", "", *table_head(["Key", "limit", "why"])], rows


def _regressions(content: RunContent) -> tuple[list[str], list[str]]:
    rows = [
        table_row(
            [
                code(cell.get("key"), _KEY_LENGTH),
                code(f"{cell.get('section') or ''} {cell.get('direction')} {NAMES.get(metric, metric)}", 60),
                _change(cell),
            ]
        )
        for run in content.runs
        for cell in _confirmed(run.comparison)
        for metric in [str(cell.get("metric"))]
    ]
    head = table_head(["Key", "figure", "of baseline (95 % interval)"], numbers=1)
    return ["#### Confirmed regressions", "", *head], rows


def _confirmed(comparison: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    gate = (comparison or {}).get("gate")
    cells = gate.get("cells") if isinstance(gate, dict) else None
    for cell in cells if isinstance(cells, list) else ():
        if isinstance(cell, dict) and cell.get("outcome") == "confirmed":
            yield cell


def _change(cell: Mapping[str, Any]) -> str:
    ratio, low, high = (cell.get(name) for name in ("ratio", "low", "high"))
    if not all(isinstance(one, int | float) for one in (ratio, low, high)):
        return ""
    return f"{ratio:.3f} ({low:.3f} to {high:.3f})"


def _problems(content: RunContent) -> tuple[list[str], list[str]]:
    rows = []
    for one in problems_of(content):
        keys, pools = list(one.keys), list(one.pools)
        where = code(keys[0], _KEY_LENGTH)
        if len(keys) > 1:
            where += f" and {len(keys) - 1} more" + (f" on {len(pools)} pools" if len(pools) > 1 else "")
        rows.append(
            table_row(
                [
                    WORDS[one.state],
                    one.tests,
                    code(one.code) if one.code else "",
                    where,
                    code(one.reason) if one.reason else "",
                    code(one.next_step) if one.next_step else "",
                ]
            )
        )
    head = ["State", "tests", "word", "where", "reason of the first", "next step"]
    return ["#### Problems", "", *table_head(head)], rows
