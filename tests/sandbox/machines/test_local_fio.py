"""What this machine's fio has to say when a matrix is loaded; programs of that name, played by scripts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.run.before.local_fio import ask_local_fio
from pytest_odfperf.schedule.jobs import Jobs, render_jobs

REFUSES = """#!/bin/sh
[ "$1" = --version ] && { echo fio-3.33; exit 0; }
echo "SAID" >&2
exit 1
"""


@pytest.fixture(scope="module")
def loaded() -> tuple[Matrix, Jobs]:
    matrix = load_matrix("rank")
    return matrix, render_jobs(matrix, expand(matrix))


def ask(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    loaded: tuple[Matrix, Jobs],
    fio: str | None,
    version: str | None = None,
) -> tuple[str, ...]:
    if fio is not None:
        (folder / "fio").write_text(fio)
        (folder / "fio").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin" if fio is not None else str(folder))
    matrix, jobs = loaded
    return ask_local_fio(replace(matrix, guest=replace(matrix.guest, fio_version=version)), jobs)


@pytest.mark.parametrize(
    "fio",
    [
        None,
        "#!/bin/sh\nexit 0\n",
        "#!/bin/sh\necho 'Usage: fio [OPTIONS] COMMAND' >&2\nexit 2\n",
        "no program",
    ],
    ids=["none", "nothing against it", "another program of that name", "broken"],
)
def test_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, loaded: tuple[Matrix, Jobs], fio: str | None
) -> None:
    assert ask(monkeypatch, tmp_path, loaded, fio) == ()


@pytest.mark.parametrize("version", [None, "fio-3.33"])
def test_a_refusal_ends_the_run_unless_the_guests_are_known_to_have_another_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, loaded: tuple[Matrix, Jobs], version: str | None
) -> None:
    refuses = REFUSES.replace("SAID", "fio: failed parsing rw=randread")
    with pytest.raises(InputError) as raised:
        ask(monkeypatch, tmp_path, loaded, refuses, version)
    line = "profiles/random-rw.fio:25: fio-3.33 on this machine does not take it: fio: failed parsing"
    (first,) = [str(one) for one in raised.value.faults if str(one).startswith(line)]
    assert ("guest.fio_version" in first) == (version is None)
    warnings = ask(monkeypatch, tmp_path, loaded, refuses, "fio-3.36")
    assert line in "".join(warnings)


def test_what_may_be_so_on_this_machine_alone_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, loaded: tuple[Matrix, Jobs]
) -> None:
    for said in ("fio: CPU 9 too large (max=1)", "fio: engine libaio not loadable"):
        assert said in "".join(ask(monkeypatch, tmp_path, loaded, REFUSES.replace("SAID", said)))
