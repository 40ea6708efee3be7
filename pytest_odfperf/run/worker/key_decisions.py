"""Decides keys while the run goes on: keeps what their repeats came to, and reads what others measured."""

from __future__ import annotations

import json
from pathlib import Path

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.key_decision import decided
from pytest_odfperf.measure.record import Record
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.run.pool_log import LOGGER
from pytest_odfperf.store.run_dir import RunDir


class KeyDecisions:
    """The keys of one process of a run, of one pool at a time."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        path = Path(plan.run_dir)
        self._records = RunDir(path.parent, path.name).records
        self._read_bytes = 0
        self._pool: str | None = None
        self._seen: dict[Key, dict[int, Record]] = {}

    def decide(self, record: Record) -> Record:
        """``record``, decided if it is of its key's last repeat."""
        asked, key = self._plan.repeats, record.key
        limits = self._plan.matrix.limits_of(key)
        if asked == 1 and not limits:
            return record
        if asked > 1:
            if key.pool != self._pool:
                self._pool, self._read_bytes = key.pool, 0
                self._seen.clear()
            self._seen.setdefault(key, {})[record.repeat] = record
            if record.block != asked:
                return record
            if len(self._seen[key]) < asked:
                self._read_others(key.pool)
        found = decided(record, self._seen.get(key, {}).values(), limits, asked)
        for outcome in found.limits:
            level = LOGGER.info if outcome.outcome == "met" else LOGGER.warning
            level("%s: limit %s", key, outcome)
        return found

    def _read_others(self, pool: str) -> None:
        """Take in what another process of this run has measured of ``pool``, or an earlier session."""
        try:
            with self._records.open("rb") as file:
                file.seek(self._read_bytes)
                content = file.read()
        except OSError as error:
            LOGGER.error("earlier repeats can not be read: %s: %s", self._records, error)
            return
        whole, _, _ = content.rpartition(b"\n")
        self._read_bytes += len(whole)
        own = f'"key":"{pool}:'.encode()
        for line in whole.split(b"\n"):
            if own not in line:
                continue
            try:
                record = Record.from_json(json.loads(line))
            except (ValueError, RecursionError):
                continue
            if record.jobs and record.definition == self._plan.definitions.get(str(record.key)):
                self._seen.setdefault(record.key, {}).setdefault(record.repeat, record)
