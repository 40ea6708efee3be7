"""The page of a run that has just begun, until there is a report."""

from __future__ import annotations

from html import escape

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="30">
<meta name="color-scheme" content="light dark">
<title>Storage of virtual machines: {run_id}</title>
</head>
<body>
<h1>Run {run_id} has begun</h1>
<p>It began at {at} UTC, when this page was written. Nothing was measured by then.</p>
<p>A report takes its place when the VMs of the first group have been measured, at the latest after five
minutes, and is renewed while the run goes on. If this page is older than that, the run was ended before it
measured anything: <code>pytest --odf-report {run_id}</code> says what its folder has.</p>
</body>
</html>
"""


def begun_page(run_id: str, at: str) -> str:
    """The whole page; ``at`` is the moment, as people read it."""
    return _PAGE.format(run_id=escape(run_id), at=escape(at))
