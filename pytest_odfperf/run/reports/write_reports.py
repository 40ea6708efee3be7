"""Writes everything that is made of a run's records, from what its folder says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from pytest_odfperf.errors import OdfError, StoreError, one_line
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.run.cyclic_garbage import not_searched
from pytest_odfperf.run.reports.output_table import OUTPUTS, Output, When
from pytest_odfperf.store.run_dir import ReportFolder

#: Of outputs that fail for one reason so many are named.
_NAMED = 3


@not_searched()
def write_reports(
    folder: ReportFolder, content: RunContent, when: When = "end", outputs: Iterable[Output] = OUTPUTS
) -> list[str]:
    """Write all ``outputs`` of ``content`` into ``folder``; what went wrong, a line each.

    One that fails is named, its earlier file stays, and the others are written all the same.
    """
    problems: list[str] = []
    #: By what the disk said.
    refused: dict[str, list[str]] = {}
    # One is written while the next one is made.
    with ThreadPoolExecutor(1, "reports") as disk:
        written: list[tuple[Output, Future[None]]] = []
        for output in outputs:
            if when == "running" and not output.while_running:
                continue
            try:
                for name, made in _files(output, content):
                    # Of all that is made no more than two files are in memory.
                    wait([future for _, future in written[-1:]])
                    written.append((output, disk.submit(_put, folder, name, made, synced=when == "end")))
            except OdfError as error:
                problems.append(one_line(f"{output.name}: {error}"))
            except Exception as error:  # noqa: BLE001 - a fault in one report is no reason to have none
                problems.append(one_line(f"{output.name} could not be made: {type(error).__name__}: {error}"))
    for output, future in written:
        try:
            future.result()
        except StoreError as error:
            cause = error.__cause__
            why = cause.strerror if isinstance(cause, OSError) else None
            names = refused.setdefault(why or str(error), [])
            if output.name not in names:
                names.append(output.name)
        except Exception as error:  # noqa: BLE001 - the others are written
            problems.append(one_line(f"{output.name} could not be written: {type(error).__name__}: {error}"))
    return problems + [one_line(f"{_named(names)} in {folder.path}: {why}") for why, names in refused.items()]


def _put(folder: ReportFolder, name: str, made: bytes | None, *, synced: bool) -> None:
    """Raises `StoreError`."""
    if made is None:
        folder.remove(name)
    else:
        # What is renewed soon needs no wait for the disk.
        folder.write(folder.path / name, made, synced=synced)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more reports" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more} can not be written"


def _files(output: Output, content: RunContent) -> Iterator[tuple[str, bytes | None]]:
    made = output.make(content)
    files = made if isinstance(made, Mapping) else {output.name: made}
    for name, one in files.items():
        # A lone surrogate (a path that is no text) is written as its escape.
        yield name, one.encode("utf-8", "backslashreplace") if isinstance(one, str) else one
