"""What the documentation shows is what the plugin takes."""

import re
import shlex
from pathlib import Path

import pytest

from pytest_odfperf.cluster.facts.rights import everywhere_rights, setup_rights, shipped_rights
from pytest_odfperf.matrix.model import FioSettings, GuestSettings, Timeouts
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.reading.settings import TIMEOUTS
from pytest_odfperf.sandbox.config.parse_config import parse_config

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MATRIX_PAGE = (ROOT / "docs" / "matrix.md").read_text()
OPTIONS_PAGE = (ROOT / "docs" / "options.md").read_text()
POOLS_PAGE = (ROOT / "docs" / "pools.md").read_text()
OPENSHIFT_PAGE = (ROOT / "docs" / "openshift.md").read_text()
PREFLIGHT_PAGE = (ROOT / "docs" / "preflight.md").read_text()


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Documented commands that only show: those that size the workers by a cluster are left out."""
    found = []
    for page in PAGES:
        for line in "".join(blocks(page.read_text(), "sh")).splitlines():
            words = shlex.split(line, comments=True)
            shows = "--odf-dry-run" in words or "--co" in words
            sizes = "--odf-parallel" in words and not words[words.index("--odf-parallel") + 1].isdigit()
            if words[:1] == ["pytest"] and shows and not sizes:
                found.append(shlex.join(words[1:]))
    return sorted(set(found))


def matrices() -> list[str]:
    return [text for page in PAGES for text in blocks(page.read_text(), "yaml matrix")]


def test_there_is_something_to_check():
    assert len(matrices()) >= 5
    assert len(commands()) >= 8


@pytest.mark.parametrize("text", matrices())
def test_a_documented_matrix_loads(text, tmp_path):
    matrix = load_text(text, source="docs/matrix.md", folder=tmp_path, name="documented")
    assert matrix.pools
    if matrix.sandbox is not None:
        parse_config(matrix.sandbox)


@pytest.mark.parametrize("command", commands())
def test_a_documented_command_that_only_shows_needs_no_cluster(run_pytest, command):
    outcome = run_pytest(*shlex.split(command))
    assert outcome.code == 0, outcome.out
    assert not (outcome.folder / "results").exists()


def test_the_options_page_has_the_options_that_help_has(run_pytest):
    helped = set(re.findall(r"^ +(--odf[a-z-]*)", run_pytest("--help").out, re.MULTILINE))
    assert "--odf-matrix" in helped
    assert (
        set(re.findall(r"--odf[a-z-]*", "".join(re.findall(r"^\| (`--odf.*?) \|", OPTIONS_PAGE, re.M))))
        == helped
    )


def test_the_documented_defaults_are_those_of_the_model():
    shown = dict(re.findall(r"^\| `((?:fio|guest|timeouts)\.\w+)` \| (\S+) \|", MATRIX_PAGE, re.MULTILINE))
    fio, guest, timeouts = FioSettings(), GuestSettings(), Timeouts()
    expected = {
        "fio.runtime": f"{fio.runtime_s}s",
        "fio.ramp": f"{fio.ramp_s}s",
        "fio.iodepth": str(fio.iodepth),
        "fio.numjobs": str(fio.numjobs),
        "fio.file_size": f"{fio.file_size_bytes >> 30}G",
        "guest.data_source": guest.data_source,
        "guest.data_source_namespace": guest.data_source_namespace,
        "guest.user": guest.user,
        "guest.root_size": f"{guest.root_size_bytes >> 30}Gi",
        **{f"timeouts.{name}": f"{getattr(timeouts, f'{name}_s')}s" for name in TIMEOUTS},
    }
    assert {name: shown.get(name) for name in expected} == expected


def test_the_shown_roles_are_those_of_deploy():
    files = sorted((ROOT / "deploy").glob("*.yaml"))
    assert len(files) == 4
    shown = blocks(OPENSHIFT_PAGE, "yaml")
    assert sorted(shown) == sorted(path.read_text() for path in files)


def test_the_role_for_making_pools_is_shown_too():
    shown = blocks(POOLS_PAGE, "yaml")
    assert shown == [(ROOT / "deploy" / "optional" / "setup-role.yaml").read_text()]


def test_the_role_for_looking_everywhere_is_shown_too():
    shown = blocks(PREFLIGHT_PAGE, "yaml")
    assert shown == [(ROOT / "deploy" / "optional" / "everywhere-role.yaml").read_text()]


@pytest.mark.parametrize(
    ("page", "rights"),
    [(OPENSHIFT_PAGE, shipped_rights()), (POOLS_PAGE, setup_rights()), (PREFLIGHT_PAGE, everywhere_rights())],
    ids=["run", "pools", "everywhere"],
)
def test_what_happens_without_a_right_is_said_for_each_of_them(page, rights):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    said = {
        (verb, resource): (need, effect)
        for verbs, resources, need, effect in (row for row in rows if len(row) == 4)
        for verb in re.findall(r"`(.*?)`", verbs)
        for resource in re.findall(r"`(.*?)`", resources)
    }
    assert said == {
        (right.verb, right.noun): ("required" if right.required else "optional", right.without)
        for right in rights
    }


def test_the_table_of_findings_has_each_of_them():
    folder = ROOT / "findings"
    named = re.findall(r"^\| \[.*?\]\((.*?)\)", (folder / "README.md").read_text(), re.MULTILINE)
    assert len(named) >= 15
    assert sorted(named) == sorted(path.name for path in folder.glob("*.sh"))
