"""What tests are called in JUnit XML: as pytest calls them, so that a test has one name in all runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_odfperf.matrix.keys import SHIPPED_NODE, param_id
from pytest_odfperf.report.content.run_content import RunContent, RunTest


def case_names(node_id: str, prefix: str | None = None) -> tuple[str, str, str | None]:
    """``classname``, ``name`` and ``file`` of a test; ``prefix`` is that of ``--junitprefix``.

    As pytest's own ``mangle_test_address``: what follows the first bracket is never split.
    """
    address, bracket, params = node_id.partition("[")
    path, *names = address.split("::")
    parts = [re.sub(r"\.py$", "", path.replace("/", ".")), *names]
    parts[-1] += bracket + params
    classname = ".".join([prefix, *parts[:-1]] if prefix else parts[:-1])
    return classname, parts[-1], path if path.endswith(".py") and names else None


def node_ids(content: RunContent) -> Iterator[tuple[RunTest, str]]:
    """Each test with its node id; one that was not run has that which the run's first test would have."""
    first = next((test for test in content.tests if test.record is not None), None)
    for test in content.tests:
        yield test, test.record.test if test.record is not None else _as(first, test, content)


def _as(first: RunTest | None, test: RunTest, content: RunContent) -> str:
    wanted = param_id(test.key, test.repeat)
    if first is None or first.record is None:
        function = "test_capacity" if content.matrix.asks_capacity else "test_storage"
        return f"{SHIPPED_NODE}::{function}[{wanted}]"
    head, _, params = first.record.test.partition("[")
    own = param_id(first.key, first.repeat)
    # A test may have parameters of its own beside the key.
    own = own if own in params else str(first.key)
    return f"{head}[{params.replace(own, wanted, 1) if own in params else f'{wanted}]'}"
