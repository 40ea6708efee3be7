"""axe-core, the rules for accessibility that most tools go by, finds nothing serious on any of our pages."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opened_page import Opened

Open = Callable[..., Opened]

#: Of the registry, by name; it is in no package of ours.
PACKAGE = "axe-core@4"
AXE_OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
}


@pytest.fixture(scope="module")
def axe(pytestconfig: pytest.Config) -> str:
    """The script, installed once into pytest's cache."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm: tools/install-system-packages --tests")
    folder = Path(pytestconfig.cache.mkdir("axe-core")) if pytestconfig.cache else Path()
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        command = [
            npm,
            "install",
            "--prefix",
            str(folder),
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            PACKAGE,
        ]
        installed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if installed.returncode:
            pytest.skip(f"npm could not install {PACKAGE}: {installed.stderr.strip()[-200:]}")
    return script.read_text(encoding="utf-8")


def serious(opened: Opened, script: str) -> list[str]:
    """What is serious or critical: the rule, and where."""
    opened.page.evaluate(script)
    found: dict[str, Any] = opened.page.evaluate(f"axe.run(document, {json.dumps(AXE_OPTIONS)})")
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {node['target']} {node['html'][:120]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize(
    ("run", "scheme"), [("small", "light"), ("everything", "light"), ("everything", "dark")]
)
def test_the_report(open_page: Open, axe: str, run: str, scheme: str) -> None:
    opened = open_page(run, color_scheme=scheme)
    for name in opened.pictures():
        opened.draw(name)
    opened.open_row(0)
    opened.page.evaluate(
        "document.querySelectorAll('#details details').forEach((one) => { one.open = true; })"
    )
    assert serious(opened, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["compared", "trend"])
def test_the_pages_over_several_runs(
    open_page: Open, axe: str, several: Callable[[str], Path], page: str, scheme: str
) -> None:
    opened = open_page(several(page), color_scheme=scheme)
    for name in opened.pictures():
        opened.draw(name)
    opened.page.locator("#keys-grid tr[data-place='0']").wait_for()
    assert serious(opened, axe) == []
