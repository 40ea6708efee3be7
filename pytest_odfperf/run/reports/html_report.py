"""report.html: the page, its pictures, and the library in it that draws them."""

from __future__ import annotations

from pytest_odfperf.report.content.run_content import RunContent


def report_html(content: RunContent) -> str:
    """The whole page. Without the extra ``report`` its pictures are tables only."""
    from pytest_odfperf.report.pictures.all_pictures import pictures_of
    from pytest_odfperf.report.run_page.run_report import render
    from pytest_odfperf.run.reports.drawing_script import drawing_script

    pictures = pictures_of(content)
    moments = [run.progress.read_at for run in content.runs if run.progress is not None]
    return render(
        content,
        pictures,
        drawing=drawing_script() if pictures else None,
        made_at=max(moments, default=None),
    )
