"""From the plan's keys to pytest items: one parametrized test per key, in the order of the keys."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from pytest_odfperf.matrix.keys import GroupKey, Key
from pytest_odfperf.plugin.repeats import number_repeats
from pytest_odfperf.plugin.session_state import KEY, PLAN, REPEAT, SHIPPED_NODE
from pytest_odfperf.run.plan import Plan

SHIPPED_TESTS = Path(__file__).with_name("shipped_test.py")


def choose_tests(config: pytest.Config) -> None:
    """Without a path on the command line, run the tests that ship with the plugin."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(SHIPPED_TESTS)]
        return
    config.args = [
        f"{SHIPPED_TESTS}::{arg.removeprefix(SHIPPED_NODE + '::')}"
        if arg.startswith(SHIPPED_NODE + "::")
        else arg
        for arg in config.args
    ]


class CollectPlugin:
    """The collection hooks of a process that knows the plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def pytest_configure(self, config: pytest.Config) -> None:
        """Without xdist nobody else declares the mark that every key has."""
        if not config.pluginmanager.hasplugin("xdist"):
            config.addinivalue_line("markers", "xdist_group(name): the pool of a key")

    def pytest_pycollect_makemodule(
        self, module_path: Path, parent: pytest.Collector
    ) -> pytest.Module | None:
        if module_path != SHIPPED_TESTS:
            return None
        # A node id of its own: the path into site-packages would differ from machine to machine.
        return pytest.Module.from_parent(parent, path=module_path, nodeid=SHIPPED_NODE)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "odf_key" in metafunc.fixturenames:
            metafunc.parametrize("odf_key", [self._param(key) for key in self._plan.keys], indirect=True)

    def _param(self, key: Key) -> object:
        reason = self._plan.pool_problems.get(key.pool)
        marks = [pytest.mark.skip(reason=f"pool {key.pool} can not run: {reason}")] if reason else []
        return pytest.param(key, id=str(key), marks=[*marks, pytest.mark.xdist_group(key.pool)])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        keep: list[pytest.Item] = []
        done: list[pytest.Item] = []
        for item in items:
            key = key_of(item)
            if key is not None:
                item.stash[KEY] = key
            (done if key is not None and self._plan.is_done(item.nodeid, key) else keep).append(item)
        if done:
            config.hook.pytest_deselected(items=done)
        items[:] = keep
        yield
        # After --ff and plugins that shuffle: a group that is left for another one is made anew.
        number_repeats(items)
        items[:] = _together(items)


def _together(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Pools, groups, keys and repeats in the order in which they come, each in one piece; others first."""
    pools: dict[str, int] = {}
    groups: dict[GroupKey, int] = {}
    keys: dict[Key, int] = {}
    for item in items:
        if (key := item.stash.get(KEY, None)) is not None:
            pools.setdefault(key.pool, len(pools))
            groups.setdefault(key.group, len(groups))
            keys.setdefault(key, len(keys))

    def place(item: pytest.Item) -> tuple[int, ...]:
        key = item.stash.get(KEY, None)
        return (
            (-1,)
            if key is None
            else (
                pools[key.pool],
                groups[key.group],
                keys[key],
                item.stash[REPEAT],
            )
        )

    return sorted(items, key=place)


def key_of(item: pytest.Item) -> Key | None:
    """The key that ``item`` was parametrized with, if it is one of ours."""
    callspec = getattr(item, "callspec", None)
    key = callspec.params.get("odf_key") if callspec is not None else None
    return key if isinstance(key, Key) else None


def plan_of(config: pytest.Config) -> Plan | None:
    return config.stash.get(PLAN, None)
