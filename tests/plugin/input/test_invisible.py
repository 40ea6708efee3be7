"""Without an --odf option the plugin is not there."""

import subprocess
import sys


def test_a_run_without_the_option_shows_and_writes_nothing(run_pytest):
    outcome = run_pytest("-p", "no:cacheprovider", test_it__py="def test_it(): pass\n")
    assert outcome.code == 0
    assert "odfperf:" not in outcome.out
    assert not (outcome.folder / "results").exists()


def test_it_imports_nothing_beyond_pytest():
    probe = (
        "import sys, pytest_odfperf.plugin\n"
        "heavy = {'kubernetes', 'paramiko', 'rich', 'aiohttp', 'asyncssh', 'yaml', 'websocket', 'xdist'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_every_option_is_in_the_help_and_an_ini_setting(run_pytest):
    out = run_pytest("--help").out
    for option in (
        "odf", "odf-parallel", "odf-matrix", "odf-full", "odf-quick", "odf-overview", "odf-rank", "odf-pool",
        "odf-filter", "odf-exclude", "odf-extra-sc", "odf-resume", "odf-run-id", "odf-results", "odf-dry-run",
        "odf-cluster", "odf-fio",
    ):  # fmt: skip
        assert f"--{option}" in out
        assert f"{option.replace('-', '_')} (" in out
