"""What the road itself costs, beside another commit: ``python tests/bench/side_by_side.py [COMMIT]``.

The same matrix runs in both, in turn (A B B A ...), each with its own sandbox: two pools on two workers,
groups of 1, 5 and 10 simulated guests, at a speed that makes fio's own time nothing. Printed are wall time,
CPU of controller and workers, CPU of the sandbox, API requests per VM life, gaps between keys, and their
ratios.

The other commit gets a git worktree, and both sides an environment in a temporary folder, with the versions
of the libraries that this environment has, and the extra ``sandbox`` alone. Seconds of a loaded machine say
little; ratios of several rounds more, and most of all what runs before all others: ``chrt -r 1 python ...``
has, as root, the figures of a quiet machine on one with ten processes at work.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import ctypes
import importlib.metadata
import json
import os
import shutil
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

#: The commit that the aims of "faster while truer" are measured against.
FIRST = "e4e656f"
POOLS = ("one", "two")
GUESTS = (1, 5, 10)
PROFILES = ("random-rw", "sequential-rw", "mixed-70-30", "db-oltp")
BLOCK_SIZES = ("4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k", "1M")
_ROOT = Path(__file__).parents[2]
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)
_RUN_S = 900
_CLIENT = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A checkout and the Python that runs it."""

    name: str
    python: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run took."""

    wall_s: float
    #: Controller and workers, user and system.
    cpu_s: float
    sandbox_cpu_s: float
    keys: int
    guest_runs: int
    vm_lives: int
    #: Without those for port forwarding: one per connection, and those that a booting guest refused.
    requests: Counter[str]
    tunnels: int
    #: Between two keys of a group of the most guests: the last end to the first start.
    gaps_s: list[float]

    @property
    def requests_per_vm(self) -> float:
        return self.requests.total() / self.vm_lives

    @property
    def gap_s(self) -> float:
        return statistics.median(self.gaps_s)


def matrix(block_sizes: Sequence[str], guests: Sequence[int]) -> dict[str, Any]:
    return {
        "cluster": "kubeconfig",
        "namespace": "default",
        "pools": list(POOLS),
        "vm_sizes": {"tiny": {"vcpus": 1, "memory": "1Gi"}},
        "pvc_sizes": ["100Gi"],
        "concurrency": list(guests),
        "profiles": list(PROFILES),
        "block_sizes": list(block_sizes),
        "fio": {"runtime": "60s", "ramp": "5s"},
    }


SANDBOX = {
    "machine": "simulated",
    "speed": 100_000,
    "boot_s": 0.1,
    "clone_s": 0.1,
    "storage_classes": {POOLS[0]: {"default": True}, **{name: {} for name in POOLS[1:]}},
}


def run_once(side: Side, content: dict[str, Any], folder: Path) -> Cost:
    """One whole run in ``folder``, with its own sandbox."""
    folder.mkdir()
    (folder / "matrix.yaml").write_text(yaml.safe_dump(content))
    (folder / "sandbox.json").write_text(json.dumps(SANDBOX))
    kubeconfig = folder / "kubeconfig"
    command = [side.python, "-m", "pytest_odfperf.sandbox", "--config", "sandbox.json", "--state", "state"]
    with (folder / "sandbox.log").open("wb") as log:
        sandbox = subprocess.Popen(
            [*map(str, command), "--kubeconfig", str(kubeconfig)],
            cwd=folder, env=_environment(), stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        try:
            assert sandbox.stdout is not None
            assert sandbox.stdout.readline().startswith(b"ready "), (folder / "sandbox.log").read_text()
            wall_s, cpu_s = _measure(side, folder, kubeconfig)
            counted = _counted(kubeconfig)
        finally:
            sandbox.send_signal(signal.SIGTERM)
            _, _, used = os.wait4(sandbox.pid, 0)
            sandbox.returncode = 0
    lines = (folder / "results" / "latest" / "results.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    requests = Counter(counted)
    tunnels = requests.pop("get virtualmachineinstances/portforward", 0)
    return Cost(
        wall_s=wall_s,
        cpu_s=cpu_s,
        sandbox_cpu_s=used.ru_utime + used.ru_stime,
        keys=len(records),
        guest_runs=sum(len(record["guests"]) for record in records),
        vm_lives=len(content["pools"]) * sum(content["concurrency"]),
        requests=requests,
        tunnels=tunnels,
        gaps_s=_gaps_s(records, max(content["concurrency"])),
    )


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    return {**kept, **more}


def _measure(side: Side, folder: Path, kubeconfig: Path) -> tuple[float, float]:
    command = [side.python, "-m", "pytest", "--odf", "--odf-parallel", "-n", str(len(POOLS))]
    command += ["--odf-matrix", "matrix.yaml", "--junitxml", "junit.xml", "-p", "no:cacheprovider"]
    # Of this environment, and not of another's.
    command += ["-p", "no:hypothesispytest"]
    began_s = time.monotonic()
    with (folder / "pytest.log").open("wb") as log:
        process = subprocess.Popen(
            list(map(str, command)), cwd=folder, env=_environment(KUBECONFIG=str(kubeconfig)),
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        while not (done := os.wait4(process.pid, os.WNOHANG))[0]:
            assert time.monotonic() - began_s < _RUN_S, f"{side.name} did not end within {_RUN_S} s"
            time.sleep(0.02)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    wall_s = time.monotonic() - began_s
    process.returncode = os.waitstatus_to_exitcode(done[1])
    assert process.returncode == 0, (folder / "pytest.log").read_text()[-3000:]
    return wall_s, done[2].ru_utime + done[2].ru_stime + _orphans_cpu_s(process.pid)


def _orphans_cpu_s(session: int) -> float:
    """CPU of workers that nobody waited for, which are ours now; the sandbox is in another session."""
    cpu_s = 0.0
    for pid in [int(path.name) for path in Path("/proc").glob("[0-9]*")]:
        with contextlib.suppress(OSError):
            if os.getsid(pid) == session:
                _, _, used = os.wait4(pid, 0)
                cpu_s += used.ru_utime + used.ru_stime
    return cpu_s


def _counted(kubeconfig: Path) -> dict[str, int]:
    """The requests of the account that measures, by what they ask."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    request = urllib.request.Request(
        cluster["server"] + "/sandbox/requests", headers={"Authorization": f"Bearer {user['token']}"}
    )
    context = ssl.create_default_context(cadata=authority)
    with urllib.request.urlopen(request, context=context) as answer:
        counted = json.load(answer)
    split = ((name.partition(" "), count) for name, count in counted.items())
    return {what: count for (who, _, what), count in split if who == _CLIENT}


def _gaps_s(records: Sequence[dict[str, Any]], guests: int) -> list[float]:
    """From the last start of a key to the first one of the next: fio's own time is nothing at that speed.

    Simulated guests say how long their fio would have taken, so that their ends are no instants.
    """
    gaps: list[float] = []
    for pool in POOLS:
        spans = sorted(
            (
                min(guest["started_at_epoch_ns"] for guest in record["guests"]),
                max(guest["started_at_epoch_ns"] for guest in record["guests"]),
            )
            for record in records
            if record["key"].split(":")[0] == pool and len(record["guests"]) == guests
        )
        gaps += [(after[0] - before[1]) / 1e9 for before, after in pairwise(spans)]
    return gaps


@contextlib.contextmanager
def other_commit(commit: str, folder: Path) -> Iterator[Side]:
    """A worktree of ``commit`` with an environment of its own; or the Python that ``commit`` names."""
    if (python := Path(commit)).is_file():
        yield Side(name=commit, python=python)
        return
    tree = folder / "tree"
    git = ["git", "-C", str(_ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", "--quiet", str(tree), commit], check=True)
    try:
        with installed(folder / "env", f"{tree}[sandbox]") as python:
            yield Side(name=commit, python=python)
    finally:
        subprocess.run([*git, "remove", "--force", str(tree)], check=False)


@contextlib.contextmanager
def installed(env: Path, *packages: str) -> Iterator[Path]:
    """The Python of a new environment that has these packages, and what they need."""
    pins = Path(f"{env}.constraints.txt")
    found = importlib.metadata.distributions()
    ours = "pytest-odfperf"
    pins.write_text("".join(f"{d.name}=={d.version}\n" for d in found if d.name != ours))
    subprocess.run([sys.executable, "-m", "venv", str(env)], check=True)
    try:
        pip = [env / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-c", pins]
        subprocess.run([*map(str, pip), *packages], check=True)
        yield env / "bin" / "python"
    finally:
        shutil.rmtree(env, ignore_errors=True)


def show(name: str, costs: Sequence[Cost]) -> dict[str, float]:
    """Print the medians of one side's runs, and return them."""
    last = costs[-1]

    def middle(values: Iterator[float]) -> float:
        return statistics.median(list(values))

    figures = {
        "wall s": middle(cost.wall_s for cost in costs),
        "CPU s of controller and workers": middle(cost.cpu_s for cost in costs),
        "CPU s of the sandbox": middle(cost.sandbox_cpu_s for cost in costs),
        "CPU s of both": middle(cost.cpu_s + cost.sandbox_cpu_s for cost in costs),
        "API requests per VM life": middle(cost.requests_per_vm for cost in costs),
        "gap s between keys, median": middle(cost.gap_s for cost in costs),
    }
    print(f"\n{name}: {last.keys} keys, {last.guest_runs} guest runs, {last.vm_lives} VM lives")
    for what, value in figures.items():
        print(f"  {what}: {value:.2f}")
    each = 1000 / last.guest_runs
    cpu_ms = figures["CPU s of both"] * each
    print(f"  per guest run: {figures['wall s'] * each:.1f} ms of wall, {cpu_ms:.1f} ms of CPU")
    print("  requests: " + ", ".join(f"{count} {what}" for what, count in last.requests.most_common(14)))
    print(f"  SSH tunnels: {last.tunnels}")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "commit", nargs="?", default=FIRST, help=f"the other side, or its Python; {FIRST} if not given"
    )
    parser.add_argument("--rounds", type=int, default=2, help="runs of each side")
    parser.add_argument("--small", action="store_true", help="one block size, groups of 1 and 5")
    parser.add_argument("--alone", action="store_true", help="only this checkout")
    parser.add_argument("--keep", type=Path, help="a folder that the runs are left in")
    options = parser.parse_args()
    # Workers that pytest leaves behind count too.
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    content = matrix(BLOCK_SIZES[:1], GUESTS[:2]) if options.small else matrix(BLOCK_SIZES, GUESTS)
    costs: dict[str, list[Cost]] = {}
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="side-by-side-"))
        )
        folder.mkdir(exist_ok=True, parents=True)
        # With the same extras as the other: this environment has those of the tests too.
        python = stack.enter_context(installed(folder / "env-here", "-e", f"{_ROOT}[sandbox]"))
        here = Side(name="this checkout", python=python)
        sides = [here]
        if not options.alone:
            sides.append(stack.enter_context(other_commit(options.commit, folder)))
        for turn in range(options.rounds):
            for side in sides if turn % 2 else reversed(sides):
                number = len(costs.setdefault(side.name, []))
                cost = run_once(side, content, folder / f"side-{sides.index(side)}-{number}")
                costs[side.name].append(cost)
                print(f"{side.name}: {cost.wall_s:.1f} s", flush=True)
    figures = {side.name: show(side.name, costs[side.name]) for side in sides}
    if not options.alone:
        print(f"\nthis checkout / {options.commit}")
        for what, value in figures[here.name].items():
            print(f"  {what}: {value / figures[options.commit][what]:.2f}")


if __name__ == "__main__":
    main()
