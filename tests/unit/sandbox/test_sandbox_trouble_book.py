"""Whose troubles count: those of the data disk's StorageClass."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_odfperf.sandbox.config.trouble_rules import NONE, Troubles
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import DATA_VOLUME, PVC
from pytest_odfperf.sandbox.reconcilers.trouble_book import TroubleBook

ROOT, DATA = Troubles(no_address=True), Troubles(image_pull=True)
#: A claim's class and, if it was made for a DataVolume, that one's source.
CLAIMS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "root": ("troubled-root", {"sourceRef": {"name": "image"}}),
    "imported": ("troubled-root", {"source": {"http": {}}}),
    "blank": ("troubled", {"source": {"blank": {}}}),
    "data": ("troubled", None),
    "fine": ("good", None),
}


def caches() -> Any:
    claims = {name: {"spec": {"storageClassName": sc}} for name, (sc, _) in CLAIMS.items()}
    volumes = {name: {"spec": source} for name, (_, source) in CLAIMS.items() if source is not None}
    return {
        PVC: SimpleNamespace(get=lambda _, name: claims.get(name)),
        DATA_VOLUME: SimpleNamespace(get=lambda _, name: volumes.get(name)),
    }


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["root", "fine"], NONE),
        (["fine", "root"], NONE),
        (["imported", "fine"], NONE),
        (["root", "data"], DATA),
        (["root", "blank"], DATA),
        (["root", "fine", "data"], DATA),
        (["root"], ROOT),
        (["root", "not-there-yet"], NONE),
        ([], NONE),
    ],
)
def test_a_root_disk_has_no_say_beside_a_data_disk(names: list[str], expected: Troubles) -> None:
    book = TroubleBook(caches(), {"troubled-root": ROOT, "troubled": DATA, "good": NONE})
    assert book.of_claims("perf", names) == expected
