"""The loop: a sandbox, rounds, verdicts, figures."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from campaign.cluster import NAMESPACE, Cluster
from campaign.disturb import small_disk
from campaign.laws import empty, judge
from campaign.plan import KINDS, Round, draw_round
from campaign.rounds import LEFT_S, MOUNTED, Played, play
from campaign.setting import SIMULATED, Setting
from pytest_odfperf.sandbox.start import start
from pytest_odfperf.waiting import Stop


@dataclass(slots=True)
class Figures:
    rounds: int = 0
    runs: int = 0
    attempts: int = 0
    passed: int = 0
    #: Failed records by what was done to their attempt.
    failed: Counter[str] = field(default_factory=Counter)
    disturbances: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    signal_s: list[float] = field(default_factory=list)
    broken: dict[int, list[str]] = field(default_factory=dict)
    took_s: float = 0.0
    #: Requests that a rule went wrong with.
    api_hits: int = 0

    def add(self, played: Played) -> None:
        self.runs += 1
        for attempt in played.attempts:
            self.attempts += 1
            self.codes[attempt.code] += 1
            new = attempt.seen.lines[attempt.lines_before :]
            self.passed += sum(line.status == "passed" for line in new)
            names = sorted(
                {
                    f"{e.kind} {e.what}" if e.kind in ("kill", "signal") else e.kind
                    for e in attempt.effects
                    if e.hit
                }
            )
            for line in new:
                if line.status in ("failed", "error") and line.key not in played.plan.never_pass:
                    self.failed[f"{', '.join(names) or 'nothing'}: {line.reason[:120]}"] += 1
            self.disturbances.update(names)
            firsts = [e.at_s for e in attempt.hits("signal") if "second" not in e.what]
            if firsts and attempt.code >= 128:
                self.signal_s.append(attempt.ended_s - firsts[0])

    def lines(self) -> list[str]:
        waits = sorted(self.signal_s)
        shown = (
            f"{waits[len(waits) // 2]:.1f} s median, {waits[-1]:.1f} s longest of {len(waits)}"
            if waits
            else "none"
        )
        return [
            f"{self.rounds} rounds, {self.runs} runs, {self.attempts} pytest processes, {self.took_s:.0f} s",
            f"{self.passed} keys measured",
            f"from a signal to the end: {shown}",
            f"exit codes: {_counts(self.codes)}",
            f"requests that went wrong by a rule: {self.api_hits}",
            f"disturbances that hit: {_counts(self.disturbances)}",
            *(f"keys that failed {number} times: {what}" for what, number in self.failed.most_common()),
            f"rounds that broke a law: {len(self.broken)} {sorted(self.broken) or ''}",
        ]


def _counts(counter: Counter) -> str:
    return ", ".join(
        f"{name} {number}" for name, number in sorted(counter.items(), key=lambda pair: str(pair[0]))
    )


@contextmanager
def sandbox(setting: Setting, state_dir: Path) -> Iterator[Cluster]:
    """A sandbox of the campaign's own."""
    started = start(setting.sandbox, state_dir=state_dir, stop=Stop(), deadline_s=120)
    try:
        yield Cluster(started.kubeconfig)
    finally:
        started.close()


def draw(
    seed: int, numbers: Iterable[int], say: Callable[[str], None], kinds: Mapping[str, int] = KINDS
) -> list[Round]:
    """Rounds of ``kinds``, apart from those kinds that this machine does not allow."""
    if MOUNTED & set(kinds) and not _can_mount():
        say(f"not possible here, since nothing can be mounted: {', '.join(sorted(MOUNTED & set(kinds)))}")
        kinds = {name: weight for name, weight in kinds.items() if name not in MOUNTED}
    return [draw_round(seed, number, kinds) for number in numbers]


def _can_mount() -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with small_disk(Path(scratch) / "disk"):
                return True
        except OSError:
            return False


def run_campaign(
    rounds: Iterable[Round],
    setting: Setting = SIMULATED,
    *,
    folder: Path,
    say: Callable[[str], None],
    deadline_s: float = float("inf"),
) -> Figures:
    """Play ``rounds``; those that broke a law stay in ``folder``. No round begins after ``deadline_s``."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = Figures()
    began_s = time.monotonic()
    with sandbox(setting, folder / "sandbox") as cluster:
        baseline = cluster.objects()
        for drawn in rounds:
            if time.monotonic() - began_s > deadline_s:
                say(f"no time for round {drawn.number}")
                break
            _round(drawn, setting, cluster, baseline, folder, figures, say)
            figures.took_s = time.monotonic() - began_s
    return figures


def _round(
    drawn: Round,
    setting: Setting,
    cluster: Cluster,
    baseline: Mapping[str, str],
    folder: Path,
    figures: Figures,
    say: Callable[[str], None],
) -> None:
    number = drawn.number
    place = folder / f"round-{number}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / "plan.json").write_text(json.dumps(drawn.to_json(), indent=1))
    began_s = time.monotonic()
    played = play(drawn, setting, cluster, place, baseline)
    broken = [line for one in played for line in judge(one)]
    left = cluster.left(baseline, LEFT_S)
    broken += empty(left)
    figures.rounds += 1
    figures.api_hits += played[0].api_hits
    for one in played:
        figures.add(one)
    say(f"round {number} ({time.monotonic() - began_s:.0f} s): {'; '.join(map(describe, played))}")
    if not broken:
        shutil.rmtree(place)
        return
    figures.broken[number] = broken
    (place / "broken.txt").write_text("\n".join(broken) + "\n")
    for line in broken:
        say(f"  BROKEN {line[:1500]}")
    say(f"  again: --seed {drawn.seed} --only {number}; kept in {place}")
    if left:
        _empty(cluster, left)


def describe(played: Played) -> str:
    attempts = [
        f"{attempt.code} ({attempt.ended_s - attempt.began_s:.0f} s)"
        + "".join(f" [{e.kind} {e.what}{' ' + str(e.signum) if e.signum else ''}]" for e in attempt.effects)
        for attempt in played.attempts
    ]
    return f"{len(played.plan.keys)} keys {' '.join(played.plan.options)}: {' -> '.join(attempts)}"


def _empty(cluster: Cluster, left: Mapping[str, str]) -> None:
    """For the next round's sake."""
    for run in {run for run in left.values() if run}:
        for path in (
            f"/apis/kubevirt.io/v1/namespaces/{NAMESPACE}/virtualmachines",
            f"/api/v1/namespaces/{NAMESPACE}/pods",
            f"/apis/cdi.kubevirt.io/v1beta1/namespaces/{NAMESPACE}/datavolumes",
            f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims",
            f"/api/v1/namespaces/{NAMESPACE}/secrets",
            f"/api/v1/namespaces/{NAMESPACE}/configmaps",
        ):
            cluster.call("DELETE", f"{path}?labelSelector=odfperf/run-id%3D{run}")
