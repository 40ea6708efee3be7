"""tools/install-system-packages, with an apt that is written here: what it asks for, and does without."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_odfperf.sandbox.image.tools import system_packages

TOOL = Path(__file__).parents[3] / "tools" / "install-system-packages"
USED = ("dirname", "grep", "id", "env", "sh", "cat")


def install(folder: Path, *arguments: str, there: set[str], none_of: set[str]) -> tuple[str, list[str]]:
    """What it says, and its calls of apt-get. ``there``: commands; ``none_of``: packages that apt has not."""
    folder.mkdir()
    calls = folder / "calls"
    calls.touch()
    for name in USED:
        found = subprocess.run(
            ["/bin/sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=True
        )
        (folder / name).symlink_to(found.stdout.strip())
    names = "|".join(sorted(none_of)) or "-"
    programs = {
        "sudo": '[ "$1" = env ] || exec "$@"; exec "$@"',
        "dpkg": "exit 0",
        "apt-get": f'echo "$@" >>{calls}',
        "apt-cache": f'case "$2" in {names}) echo "  Candidate: (none)";; *) echo "  Candidate: 1";; esac',
        **dict.fromkeys(there, "exit 0"),
    }
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o700)
    done = subprocess.run(
        [str(TOOL), *arguments],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout, calls.read_text().splitlines()


def test_what_a_distribution_has_not_does_not_keep_the_rest_from_being_installed(tmp_path: Path) -> None:
    every = set(system_packages())
    lacking = every - {"kubectl", "fio"}
    said, calls = install(tmp_path / "a", there=lacking, none_of={"kubernetes-client"})
    assert calls == ["update -q", "install -y -q --no-install-recommends fio"]
    assert said.splitlines()[-1].startswith("kubernetes-client is not to be had here: ")
    # Nothing is looked for again at each run.
    assert install(tmp_path / "b", there=every - {"kubectl"}, none_of={"kubernetes-client"}) == ("", [])
    said, calls = install(tmp_path / "c", there=every - {"kubectl"}, none_of=set())
    assert calls[-1] == "install -y -q --no-install-recommends kubernetes-client"
    assert install(tmp_path / "d", there=every, none_of=set()) == ("", [])


@pytest.mark.parametrize("lacking", sorted(system_packages("ceph_packages.txt")))
def test_each_program_of_ceph_has_its_package_only_where_asked_for(tmp_path: Path, lacking: str) -> None:
    packages = system_packages("ceph_packages.txt")
    there = {*system_packages(), *packages} - {lacking}
    assert install(tmp_path / "plain", there=there, none_of=set())[1] == []
    calls = install(tmp_path / "ceph", "--ceph", there=there, none_of=set())[1]
    assert calls[-1] == f"install -y -q --no-install-recommends {packages[lacking]}"
