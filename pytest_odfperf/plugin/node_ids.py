"""Node ids of keys and their repeats: ``test_storage[KEY]``, ``test_storage[KEY-r2]`` and so on."""

from __future__ import annotations

import re
from collections.abc import Collection

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import Key

_REPEAT = re.compile(r"-r([1-9][0-9]{0,3})(?:-|$)", re.ASCII)
_LAST = re.compile(r"-r[1-9][0-9]{0,3}$", re.ASCII)


class NodeIds:
    """Reads node ids; ``keys`` are the texts of the keys that there can be."""

    def __init__(self, keys: Collection[str]) -> None:
        self._keys = keys

    def key_of(self, node_id: str) -> Key | None:
        """The key in a node id; a test of the user may have parameters of its own beside it."""
        try:
            return Key.parse(self._text(_params(node_id)) or "")
        except InputError:
            return None

    def repeat_of(self, node_id: str) -> int:
        """The repeat in a node id; 1 where it has none."""
        params = _params(node_id)
        text = self._text(params)
        found = _REPEAT.match(params.partition(text)[2]) if text else None
        return int(found[1]) if found else 1

    def _text(self, params: str) -> str | None:
        for text in (params, _LAST.sub("", params)):
            if text in self._keys:
                return text
        # Of a test with parameters of its own.
        return max((key for key in self._keys if f"-{key}-" in f"-{params}-"), key=len, default=None)


def _params(node_id: str) -> str:
    return node_id.partition("[")[2].removesuffix("]")
