"""Keys that were measured in earlier sessions, decided by today's limits and with today's repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.key_decision import decided, undecided
from pytest_odfperf.measure.record import Record
from pytest_odfperf.run.plan import Plan


def decide_again(
    plan: Plan, done: Sequence[Record], records: Iterable[Record], write: Callable[[Record], None]
) -> list[Record]:
    """``done``, the complete records of earlier sessions, as they are today; what changed is written.

    ``records`` are all that count. A key is decided in its last repeat: also if fewer are asked for now, and,
    as long as the last that is asked for was not begun, in the last that is there. Raises `StoreError`.
    """
    of_key: dict[Key, list[Record]] = {}
    for record in records:
        if record.definition == plan.definitions.get(str(record.key)):
            of_key.setdefault(record.key, []).append(record)
    latest: dict[Key, int] = {}
    for record in done:
        latest[record.key] = max(_block(record), latest.get(record.key, 1))
    found = []
    for record in done:
        own = of_key.get(record.key, [record])
        begun = max(map(_block, own))
        asked = max(plan.repeats, begun)
        limits = plan.matrix.limits_of(record.key)
        last = begun if begun == asked else latest[record.key]
        decides = _block(record) == last and (limits or asked > 1)
        today = decided(record, own, limits, asked) if decides else undecided(record)
        if today != record:
            write(today)
        found.append(today)
    return found


def _block(record: Record) -> int:
    return record.block or 1
