"""From the plan's keys to pytest items: one parametrized test per key and repeat, in their order."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from pytest_odfperf.matrix.keys import SHIPPED_NODE, GroupKey, Key, param_id
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.plugin.repeats import MARK, Numbering
from pytest_odfperf.plugin.session_state import BLOCK, KEY, PLAN, REPEAT
from pytest_odfperf.run.plan import Plan

SHIPPED_TESTS = Path(__file__).with_name("shipped_test.py")
#: The test of ``--odf-ramp``.
SHIPPED_CAPACITY = Path(__file__).with_name("shipped_capacity.py")


def choose_tests(config: pytest.Config, matrix: Matrix) -> None:
    """Without a path on the command line, run the tests that ship with the plugin."""
    shipped = SHIPPED_CAPACITY if matrix.asks_capacity else SHIPPED_TESTS
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(shipped)]
        return
    config.args = [
        f"{shipped}::{arg.removeprefix(SHIPPED_NODE + '::')}" if arg.startswith(SHIPPED_NODE + "::") else arg
        for arg in config.args
    ]


class CollectPlugin:
    """The collection hooks of a process that knows the plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def pytest_configure(self, config: pytest.Config) -> None:
        """Declare marks; without xdist nobody else does that of every key."""
        config.addinivalue_line("markers", f"{MARK}(number): the repeat of a key, from 2 on")
        if not config.pluginmanager.hasplugin("xdist"):
            config.addinivalue_line("markers", "xdist_group(name): the pool of a key")

    def pytest_pycollect_makemodule(
        self, module_path: Path, parent: pytest.Collector
    ) -> pytest.Module | None:
        if module_path not in (SHIPPED_TESTS, SHIPPED_CAPACITY):
            return None
        # A node id of its own: the path into site-packages would differ from machine to machine.
        return pytest.Module.from_parent(parent, path=module_path, nodeid=SHIPPED_NODE)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "odf_key" in metafunc.fixturenames:
            repeats = range(1, self._plan.repeats + 1)
            params = [self._param(key, repeat) for key in self._plan.keys for repeat in repeats]
            metafunc.parametrize("odf_key", params, indirect=True)

    def _param(self, key: Key, repeat: int) -> object:
        reason = self._plan.pool_problems.get(key.pool)
        marks = [pytest.mark.skip(reason=f"pool {key.pool} can not run: {reason}")] if reason else []
        if repeat > 1:
            marks.append(getattr(pytest.mark, MARK)(repeat))
        return pytest.param(key, id=param_id(key, repeat), marks=[*marks, pytest.mark.xdist_group(key.pool)])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        # Before anything is left out: a repeat keeps its number.
        numbering = Numbering(self._plan.repeats)
        _note_keys(items)
        numbering.number(items)
        keep: list[pytest.Item] = []
        done: list[pytest.Item] = []
        for item in items:
            key = item.stash.get(KEY, None)
            (done if key is not None and self._plan.is_done(item.nodeid, key) else keep).append(item)
        if done:
            config.hook.pytest_deselected(items=done)
        items[:] = keep
        yield
        # After --ff and plugins that shuffle: a group that is left for another one is made anew.
        _note_keys(items)
        numbering.number(items)
        items[:] = _together(items, self._plan)


def _note_keys(items: Sequence[pytest.Item]) -> None:
    for item in items:
        key = key_of(item)
        if key is not None:
            item.stash[KEY] = key


def _together(items: Sequence[pytest.Item], plan: Plan) -> list[pytest.Item]:
    """Rounds, pools, groups, blocks, keys and other plugins' repeats, each in one piece, inner ones last.

    Tests without a key are first. Pools and groups, and without repeats keys too, are in the order in which
    they come; in a round the pools, and in a block of repeats the keys, are in the plan's.
    """
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
                number := plan.round_of(block := item.stash[BLOCK]),
                plan.place_of_pool(key.pool, number) or pools[key.pool],
                groups[key.group],
                block,
                plan.place_of(key, block) or keys[key],
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
