"""Links to the files of a test, relative to the report."""

from __future__ import annotations

from urllib.parse import quote

from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.run_page.details.detail_part import Plain


def href(base: str, path: str) -> str:
    """``path`` below a run's folder as a link: whatever it says, it leads to no other server."""
    return base + quote(path.lstrip("/"), safe="/", errors="replace")


def files(content: RunContent, record: Record) -> Plain | None:
    """pool.log, the diagnosis, and the raw files; those of one folder together, as their paths are long."""
    base = content.run_of(record).href
    links = [[href(base, f"{quote(record.key.pool, safe='')}/pool.log"), "pool.log"]]
    if record.diagnosis:
        links.append([href(base, record.diagnosis.rstrip("/") + "/"), "diagnosis"])
    folders: dict[str, list[str]] = {}
    for path in record.artefacts:
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder.rstrip("/"), []).append(name)
    return {
        "title": "Files",
        "links": links,
        "folders": [[href(base, f"{folder}/" if folder else ""), names] for folder, names in folders.items()],
    }
