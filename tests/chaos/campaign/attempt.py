"""One pytest process of a run, and what happened to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from campaign.cluster import Cluster
from campaign.plan import Disturbance
from campaign.processes import MARK
from campaign.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Effect:
    """What a disturbance did. ``hit``: whether there was anything to do it to."""

    kind: str
    what: str
    signum: int
    at_s: float
    hit: bool


@dataclass(slots=True)
class Attempt:
    """A process that has ended, or was ended at the deadline (``hung``). Times are monotonic seconds."""

    command: list[str]
    run_id: str
    disturbances: tuple[Disturbance, ...]
    code: int
    hung: bool
    out: str
    began_s: float
    ended_s: float
    #: Records before it, and what the run's folder said when it had ended.
    lines_before: int
    seen: Snapshot
    effects: list[Effect] = field(default_factory=list)
    #: What processes beside it printed.
    beside: list[str] = field(default_factory=list)

    def hits(self, *kinds: str) -> list[Effect]:
        return [effect for effect in self.effects if effect.hit and effect.kind in kinds]

    @property
    def is_killed(self) -> bool:
        """SIGKILL, or the second signal, left it no time to end."""
        return self.code == -signal.SIGKILL or len(self.hits("signal")) > 1


@dataclass(slots=True)
class Place:
    """Where a run of the campaign lives: its folders, its mark, its cluster."""

    folder: Path
    name: str
    cluster: Cluster
    #: The token that the run's login plugin gives now.
    token: str = ""

    def log_in(self) -> None:
        """Give the run a new token, as an identity provider does."""
        self.token = self.cluster.call("POST", "/sandbox/tokens", {"user": "admin"})["token"]
        fresh = self.folder / "token.new"
        fresh.write_text(self.token)
        fresh.replace(self.folder / "token")

    @property
    def mark(self) -> str:
        """What its processes are found by; of this campaign only."""
        return f"{self.name}-{os.getpid()}"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp"

    def run(self, run_id: str) -> Path:
        return self.results / run_id

    def lines(self, run_id: str) -> int:
        try:
            return (self.run(run_id) / "results.jsonl").read_bytes().count(b"\n")
        except OSError:
            return 0

    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST", "KUBE", "CI", "ODF", "COV"))
            and name not in ("BUILD_NUMBER", "COLUMNS")
        }
        return kept | {
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.kubeconfig),
            "COLUMNS": "160",
            "TMPDIR": str(self.tmp),
            "PYTEST_ADDOPTS": "-p no:hypothesispytest",
            MARK: self.mark,
        }


@dataclass(slots=True)
class Scene:
    """What a disturbance can see and touch."""

    place: Place
    run_id: str
    pid: int
    ended: threading.Event
    began_s: float
    effects: list[Effect]
    #: What processes beside the run printed.
    beside: list[str] = field(default_factory=list)
    #: A disturbance that could not be made; the round is no proof of anything then.
    problem: BaseException | None = None

    def note(self, kind: str, what: str, hit: bool = True, signum: int = 0) -> None:
        self.effects.append(Effect(kind, what, signum, time.monotonic(), hit))


def start(place: Place, arguments: Sequence[str], out: Path) -> subprocess.Popen[bytes]:
    """pytest as the leader of its own session, its output in a file."""
    with out.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=place.folder,
            env=place.environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell's background job ignores SIGINT, and so would all that it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


def wait(process: subprocess.Popen[bytes], deadline_s: float) -> bool:
    """Whether it ended by itself; killed if not."""
    try:
        process.wait(deadline_s)
    except subprocess.TimeoutExpired:
        # Python's own stacks, if faulthandler is on, would be in the output.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    return True
