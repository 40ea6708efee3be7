"""The pytest plugin. Imported by every pytest run on the machine, so it imports nothing beyond pytest.

Without an ``--odf*`` option (or ``odf``/``odf_parallel`` in the ini file) it adds options and fixtures and
does nothing.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from pytest_odfperf.plugin.command_line.options import add_options, announce_workers, is_active
from pytest_odfperf.plugin.fixtures import odf_capacity, odf_guests, odf_key, odf_result
from pytest_odfperf.plugin.session_state import EXIT_CODE, is_worker

__all__ = ["odf_capacity", "odf_guests", "odf_key", "odf_result"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    announce_workers(early_config)
    return (yield)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.register(Ended(), "odfperf-ended")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """All of a measuring session happens inside: what is opened here is closed in any case.

    A wrapper runs before xdist's own ``tryfirst`` hook, which turns ``-n`` into workers.
    """
    if not is_active(config):
        return (yield)
    if is_worker(config):
        from pytest_odfperf.plugin.workers.worker_session import open_worker as opened
    else:
        from pytest_odfperf.plugin.session import open_controller as opened

    result: object = None
    try:
        with opened(config):
            result = yield
    except KeyboardInterrupt:
        if EXIT_CODE not in config.stash:
            raise
    return config.stash.get(EXIT_CODE, result)


class Ended:
    """Ends pytest before anything is collected, once the wrapper has done all there is to do."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> int | None:
        return config.stash.get(EXIT_CODE, None)
