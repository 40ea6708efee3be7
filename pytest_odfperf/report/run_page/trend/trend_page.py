"""The page over many runs: what changed and when, pools, keys to be seen first, each figure's course."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pytest_odfperf.report.content.result_state import STATES, WORDS
from pytest_odfperf.report.content.trend_content import TrendContent
from pytest_odfperf.report.number import NS_PER_MS
from pytest_odfperf.report.pictures.picture import Picture
from pytest_odfperf.report.pictures.trend.course_picture import courses_picture, pools_picture
from pytest_odfperf.report.run_page.key_columns import COLUMNS, KeyColumn, KeyTable
from pytest_odfperf.report.run_page.page_json import packed_json
from pytest_odfperf.report.run_page.page_shell import Page, Section, render_page
from pytest_odfperf.report.run_page.page_template import render_markup
from pytest_odfperf.report.run_page.trend.course_details import CourseDetails
from pytest_odfperf.report.trend_text import counts_text, ratio_text

if TYPE_CHECKING:
    from pytest_odfperf.measure.trend.courses import Course

#: By a course's state, the end of its class on the page.
SLUGS: Mapping[str, str] = {
    "worse": "worse",
    "better": "better",
    "steady": "same",
    "too short": "undecided",
}
#: Courses that have a picture above the table; all have one in their details.
_PICTURED = 24
#: Changes of one run that are listed.
_LISTED = 12
_KEY_COLUMNS = tuple(c for c in COLUMNS if c.name in ("pool", "size", "pvc", "vms", "profile", "bs"))
_COLUMNS: tuple[KeyColumn, ...] = (
    KeyColumn(name="state", heading="State", width=110, meaning="By the newest change"),
    *_KEY_COLUMNS,
    KeyColumn(name="figure", heading="Figure", choose=True, width=190),
    KeyColumn(name="newest", heading="Newest", sort="number", width=100, meaning="IOPS, or ms of p99"),
    KeyColumn(name="runs", heading="Runs", sort="number", whole=True, width=60),
    KeyColumn(name="changes", heading="Changes", sort="number", whole=True, width=80),
    KeyColumn(name="ratio", heading="Last change", sort="number", width=100, meaning="Level after / before"),
    KeyColumn(name="low", heading="from", sort="number", width=70, meaning="Of the 95 % interval"),
    KeyColumn(name="high", heading="to", sort="number", width=70, meaning="Of the 95 % interval"),
    KeyColumn(name="since", heading="Since run", choose=True, width=190),
    KeyColumn(name="sentinel", heading="Sentinel", choose=True, width=86),
    KeyColumn(name="doubts", heading="Doubts of the newest", choose=True, width=170),
    KeyColumn(name="gaps", heading="Invalid", sort="number", whole=True, width=72, meaning="Runs without it"),
)
_NOTE = (
    "Rates are in IOPS, p99 in ms, of all VMs together; over repeats they are geometric means. A change is "
    "told from the second run after it on. Figures of invalid results are nowhere on this page."
)


def render_trend(content: TrendContent, *, drawing: str | None = None) -> str:
    """The page. ``drawing``: as for `run_report.render`."""
    courses = sorted(content.courses, key=lambda course: not content.is_sentinel(course))
    words = list(SLUGS)
    outcome = render_markup(
        "verdict.html.j2",
        sentence=_sentence(content),
        progress=None,
        counts=[(SLUGS[word], word, sum(course.state == word for course in courses)) for word in words],
        every=len(courses),
        noun="figures",
    )
    details = CourseDetails(content)
    changes = outcome + _changes(content)
    figures = render_markup("keys.html.j2", note=_NOTE)
    sections = [
        Section(name="verdict", heading="What changed", short="What changed", body=changes),
        *_pictures(content),
        Section(name="keys", heading="All figures", short="All figures", body=figures),
        Section(name="run", heading="The runs", short="Runs", body=_runs(content)),
    ]
    chunks = list(details.chunks(courses))
    return render_page(
        Page(
            title=f"Storage of virtual machines: {content.matrix} over {len(content.runs)} runs",
            subtitle=f"{content.runs[0].day} to {content.runs[-1].day} (UTC)",
            marking=content.marking,
            sections=sections,
            data={
                "states": [[SLUGS[word], word] for word in words],
                "tests-data": {
                    "states": [words.index(course.state) for course in courses],
                    "noun": "figures",
                },
                "courses-data": details.shared(),
            },
            packed_data={"keys-data": packed_json(_table(content, courses, words))},
            chunks=chunks,
        ),
        drawing,
    )


def _sentence(content: TrendContent) -> str:
    text = f"Over {len(content.runs)} runs, {counts_text(content)}."
    if content.counts["too short"]:
        text += " Too short: fewer than five runs that measured the same."
    names = list(dict.fromkeys(pool.pool for pool in content.pools if pool.changes))
    return text + (f" Pools that changed as a whole: {', '.join(names)}." if names else "")


def _changes(content: TrendContent) -> Markup:
    """By run, the newest first: pools as a whole, then figures, the surest first."""
    blocks = []
    runs = sorted({*content.changes, *(c.run for pool in content.pools for c in pool.changes)}, reverse=True)
    for at in runs:
        run = content.runs[at]
        own = sorted(content.changes.get(at, []), key=lambda one: one[1].p_value)
        counts = Counter(change.outcome for _, change in own)
        rows = [
            [change.outcome, f"pool {pool.pool}, {pool.keys} keys", _metric(pool.metric), ratio_text(change)]
            for pool in content.pools
            for change in pool.changes
            if change.run == at
        ]
        rows += [
            [change.outcome, str(course.cell.key), course.cell.what, ratio_text(change)]
            for course, change in own[:_LISTED]
        ]
        blocks.append(
            {
                "run": run,
                "said": ", ".join(f"{counts[word]} {word}" for word in ("worse", "better") if counts[word]),
                "rows": rows,
                "more": max(0, len(own) - _LISTED),
            }
        )
    return render_markup("trend_changes.html.j2", blocks=blocks, slugs=SLUGS)


def _metric(name: str) -> str:
    return "rate" if name == "rate" else "p99"


def _pictures(content: TrendContent) -> Iterator[Section]:
    sentinels = [course for course in content.courses if content.is_sentinel(course)]
    changed = sorted(
        (course for course in content.courses if course.changes),
        key=lambda course: (-course.changes[-1].run, course.changes[-1].p_value),
    )
    found: list[Picture | None] = [
        courses_picture(
            "trend-sentinels",
            "Sentinel keys",
            "How do the keys go that were named (--odf-sentinel)? "
            + _shown_of(len(sentinels), "the others are first in the table"),
            sentinels[:_PICTURED],
            content.runs,
        ),
        pools_picture(content),
        courses_picture(
            "trend-changed",
            "Figures that changed",
            "The newest changes, the surest first. "
            + _shown_of(len(changed), "the others are in the table, and open there"),
            changed[:_PICTURED],
            content.runs,
        ),
    ]
    pictures = tuple(picture for picture in found if picture is not None)
    if pictures:
        yield Section(name="pictures", heading="Courses", short="Courses", pictures=pictures)


def _shown_of(count: int, others: str) -> str:
    return f"All {count} figures." if count <= _PICTURED else f"{_PICTURED} of {count} figures; {others}."


def _table(content: TrendContent, courses: list[Course], words: list[str]) -> dict[str, Any]:
    table = KeyTable(of=_COLUMNS)
    for row, course in enumerate(courses):
        key, newest = course.cell.key, course.newest
        divisor = 1.0 if course.cell.metric == "rate" else float(NS_PER_MS)
        texts = {
            "state": course.state, "pool": key.pool, "size": key.size, "pvc": key.pvc, "profile": key.profile,
            "bs": key.block_size, "figure": course.cell.what, "doubts": newest.doubts,
            "sentinel": "yes" if content.is_sentinel(course) else "",
        }  # fmt: skip
        numbers: dict[str, float | None] = {
            "vms": key.concurrency,
            "newest": newest.value / divisor,
            "runs": sum(len(piece.points) for piece in course.pieces),
            "changes": len(course.changes),
            "gaps": len(course.gaps) or None,
        }
        if course.changes:
            last = course.changes[-1]
            texts["since"] = content.runs[last.run].run_id
            numbers |= {"ratio": last.ratio, "low": last.low, "high": last.high}
        table.add(row, 1 << words.index(course.state), texts, numbers)
    places = {word: place for place, word in enumerate(words)}
    starts = {run.run_id: at for at, run in enumerate(content.runs)}
    return table.to_plain(
        {"state": lambda text: places[text], "since": lambda text: starts.get(text, len(starts))}
    )


def _runs(content: TrendContent) -> Markup:
    rows = [
        (
            at,
            run,
            ", ".join(f"{run.counts[state]} {WORDS[state]}" for state in STATES if run.counts.get(state)),
            "; ".join(run.marks),
        )
        for at, run in enumerate(content.runs, 1)
    ]
    return render_markup("trend_runs.html.j2", rows=rows, left_out=content.left_out)
