"""JUnit XML at the end of a session: our suites, and in them and beside them what only pytest knows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_odfperf.errors import StoreError
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.junit.junit_suites import PREFIX, junit_suites, suites_name
from pytest_odfperf.report.junit.junit_xml import junit_text
from pytest_odfperf.report.junit.pytest_junit import joined, read_pytest_junit
from pytest_odfperf.run.reports.ci_places import ci_places
from pytest_odfperf.run.reports.output_table import JUNIT
from pytest_odfperf.store.durable import told

if TYPE_CHECKING:
    from pytest_odfperf.plugin.output.session_outputs import Outputs
    from pytest_odfperf.run.controller.open_run import Run

#: Where pytest writes its own file if the user wants none.
_OWN = ".junit-pytest.xml"


def written_to(config: pytest.Config) -> Path | None:
    """What ``--junitxml`` names, if it was given; as pytest reads it, before a test changes the folder."""
    given = getattr(config.option, "xmlpath", None)
    return Path(os.path.expandvars(given)).expanduser().absolute() if given else None


class JunitFile:
    """``--junitxml PATH`` and the run's own junit.xml. pytest writes first, to PATH; ours takes its place."""

    def __init__(self, config: pytest.Config, run: Run, outputs: Outputs) -> None:
        self._plugins = config.pluginmanager
        self._run = run
        self._outputs = outputs
        #: The file that the user is to look at, once it is there.
        self.paths: tuple[Path, ...] = ()
        self._written = written_to(config)
        self._given = self._written is not None
        if not config.pluginmanager.hasplugin("junitxml"):
            return
        option: Any = config.option
        if not self._given:
            self._written = (run.run_dir.path / _OWN).absolute()
            option.xmlpath = str(self._written)
        if option.junitprefix:
            # Also for who makes the file again from the folder.
            run.save(**{PREFIX: str(option.junitprefix)})

    def finish(self) -> bool:
        """Write both; False, and a line at the end, if something is missing in them."""
        try:
            content = self._outputs.content()
            suites = junit_suites(content, ci_places(content))
            own = self._take_own()
            whole = True
            try:
                suites = joined(suites, read_pytest_junit(own) if own is not None else (), *_known(content))
            except ValueError as error:
                self._outputs.note(
                    f"JUnit XML has the plugin's tests only: what pytest wrote is torn: {error}"
                )
                whole = False
            self._write(junit_text(suites, suites_name(content)).encode())
        except StoreError as error:
            self._outputs.note(str(error))
            return False
        return whole

    def _take_own(self) -> bytes | None:
        """What pytest wrote. A device or a pipe is for pytest alone."""
        if self._written is None or not self._written.is_file():
            return None
        with told("can not be read", self._written):
            found = self._written.read_bytes()
            if not self._given:
                self._written.unlink()
                self._say_where()
        return found

    def _say_where(self) -> None:
        """pytest names its file at the end of the terminal's output: let it name the one that is there."""
        for plugin in self._plugins.get_plugins():
            own: Any = plugin
            if getattr(own, "logfile", None) == os.path.normpath(str(self._written)):
                own.logfile = str((self._run.run_dir.path / JUNIT).absolute())

    def _write(self, text: bytes) -> None:
        path = self._run.run_dir.path / JUNIT
        self._run.run_dir.write(path, text)
        self.paths = (path,)
        if self._given and self._written is not None:
            self.paths = (self._written,)
            if self._written.is_file():
                with told("can not be written", self._written):
                    self._written.write_bytes(text)


def _known(content: RunContent) -> tuple[dict[str, str], list[str]]:
    """The pool of each key, and errors that have a case of their own."""
    pools = {str(test.key): test.key.pool for test in content.tests}
    return pools, [str(entry.get("error")) for run in content.runs for entry in run.undeleted]
