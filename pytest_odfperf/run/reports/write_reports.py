"""Writes everything that is made of a run's records, from what its folder says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pytest_odfperf.errors import OdfError, one_line
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.run.reports.output_table import OUTPUTS, Output, When
from pytest_odfperf.store.run_dir import ReportFolder


def write_reports(
    folder: ReportFolder, content: RunContent, when: When = "end", outputs: Iterable[Output] = OUTPUTS
) -> list[str]:
    """Write all ``outputs`` of ``content`` into ``folder``; what went wrong, a line each.

    One that fails is named, its earlier file stays, and the others are written all the same.
    """
    problems = []
    for output in outputs:
        if when == "running" and not output.while_running:
            continue
        try:
            for name, made in _files(output, content):
                if made is None:
                    folder.remove(name)
                else:
                    # What is renewed soon needs no wait for the disk.
                    folder.write(folder.path / name, made, synced=when == "end")
        except OdfError as error:
            problems.append(one_line(f"{output.name}: {error}"))
        except Exception as error:  # noqa: BLE001 - a fault in one report is no reason to have none
            problems.append(one_line(f"{output.name} could not be made: {type(error).__name__}: {error}"))
    return list(dict.fromkeys(problems))


def _files(output: Output, content: RunContent) -> Iterator[tuple[str, bytes | None]]:
    made = output.make(content)
    files = made if isinstance(made, Mapping) else {output.name: made}
    for name, one in files.items():
        # A lone surrogate (a path that is no text) is written as its escape.
        yield name, one.encode("utf-8", "backslashreplace") if isinstance(one, str) else one
