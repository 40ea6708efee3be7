"""The effects: what a disturbance does once its moment has come."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from campaign.attempt import Scene, start, wait
from campaign.cluster import NAMESPACE
from campaign.plan import Disturbance, Moment
from campaign.processes import marked, send, workers

_POLL_S = 0.05
FILLER = ".filler"
#: A cleanup waits for objects to be gone.
_BESIDE_S = 150.0
#: Of a results folder that can be filled.
DISK_BYTES = 16 << 20


def disturb(one: Disturbance, scene: Scene) -> None:
    """Wait for the moment, then do it until it is over. Nothing is done to a process that has ended."""
    try:
        _disturb(one, scene)
    except BaseException as error:
        scene.problem = error
        raise


def _disturb(one: Disturbance, scene: Scene) -> None:
    if not _wait_for(one.when, scene):
        scene.note(one.kind, "ended before", hit=False)
        return
    _ACTS[one.kind](one, scene)


def _wait_for(moment: Moment, scene: Scene) -> bool:
    lines = scene.place.lines(scene.run_id)
    while not scene.ended.is_set():
        if (not moment.records or scene.place.lines(scene.run_id) >= lines + moment.records) and (
            not moment.vms or len(_machines(scene)) >= moment.vms
        ):
            since_s = scene.began_s if not (moment.records or moment.vms) else time.monotonic()
            return not scene.ended.wait(max(0.0, since_s + moment.after_s - time.monotonic()))
        scene.ended.wait(_POLL_S if moment.records else 4 * _POLL_S)
    return False


def _machines(scene: Scene) -> list[str]:
    with contextlib.suppress(OSError):
        return scene.place.cluster.machines(scene.run_id)
    return []


def _targets(one: Disturbance, scene: Scene) -> list[int]:
    if one.target == "controller":
        return [scene.pid]
    if one.target == "all":
        # Killing one by one would let the others notice.
        return [-scene.pid]
    found = workers(scene.pid, scene.place.mark)
    if not found:
        return [scene.pid]
    return found if one.target == "workers" else [found[one.index % len(found)]]


def _send(one: Disturbance, scene: Scene, signum: int, word: str = "") -> list[int]:
    """Signal the targets; the controller's name is noted whichever way it was hit."""
    targets = _targets(one, scene)
    # Noted first: what a signal does can be over before the next line.
    who = "controller" if targets == [scene.pid] else one.target
    scene.note("kill" if signum == signal.SIGKILL else "signal", f"{word}{who}", signum=signum)
    for pid in targets:
        send(pid, signum)
    return targets


def _signal(one: Disturbance, scene: Scene) -> None:
    _send(one, scene, one.signum)


def _signal_twice(one: Disturbance, scene: Scene) -> None:
    targets = _send(one, scene, one.signum)
    if not scene.ended.wait(one.for_s):
        # A controller that was not told of the first one takes it for the first.
        word = "second " if abs(targets[0]) == scene.pid else ""
        scene.note("signal", f"{word}controller", signum=one.signum)
        send(scene.pid, one.signum)


def _signal_then_kill(one: Disturbance, scene: Scene) -> None:
    """As CI does it."""
    _send(one, scene, one.signum)
    if not scene.ended.wait(one.for_s):
        scene.note("kill", "all", signum=signal.SIGKILL)
        send(-scene.pid, signal.SIGKILL)


def _kill(one: Disturbance, scene: Scene) -> None:
    _send(one, scene, signal.SIGKILL)


def _pause(one: Disturbance, scene: Scene) -> None:
    """Stopped and continued: a machine that swaps, a laptop's lid."""
    targets = _targets(one, scene)
    scene.note(one.kind, one.target)
    for pid in targets:
        send(pid, signal.SIGSTOP)
    try:
        scene.ended.wait(one.for_s)
    finally:
        for pid in targets:
            send(pid, signal.SIGCONT)


def _disk_full(one: Disturbance, scene: Scene) -> None:
    filler = scene.place.results / FILLER
    scene.note(one.kind, f"for {one.for_s} s")
    try:
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size):
                        pass
        scene.ended.wait(one.for_s)
    finally:
        filler.unlink(missing_ok=True)


def _read_only(one: Disturbance, scene: Scene) -> None:
    """A filesystem that the kernel made read-only; it can not while a file is open for writing."""
    results = scene.place.results
    done = _remount(results, "ro")
    scene.note(one.kind, f"for {one.for_s} s", hit=done)
    if done:
        scene.ended.wait(one.for_s)
        _remount(results, "rw")


def _folder_gone(one: Disturbance, scene: Scene) -> None:
    run = scene.place.run(scene.run_id)
    away = run.with_name(f".gone-{run.name}")
    try:
        run.rename(away)
    except OSError:
        scene.note(one.kind, "not there yet", hit=False)
        return
    scene.note(one.kind, f"for {one.for_s} s")
    scene.ended.wait(one.for_s)
    if run.exists():
        scene.note("folder made anew", ", ".join(sorted(path.name for path in run.iterdir())))
        run.rename(run.with_name(f".anew-{run.name}-{time.monotonic_ns()}"))
    away.rename(run)


def _rule(one: Disturbance, scene: Scene) -> None:
    """The rule stays after its attempt: what it did not hit yet, it may hit later."""
    rule = {**one.rule, "namespace": NAMESPACE}
    scene.note(one.kind, _words(rule))
    scene.place.cluster.call("POST", "/sandbox/faults", rule)


def _words(rule: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in rule.items() if name not in ("seed", "namespace"))


def _frozen(one: Disturbance, scene: Scene) -> None:
    scene.note(one.kind, f"for {one.for_s} s")
    scene.place.cluster.call("POST", "/sandbox/freeze", {"seconds": one.for_s})


def _restart(one: Disturbance, scene: Scene) -> None:
    scene.note(one.kind, f"for {one.for_s} s")
    scene.place.cluster.call("POST", "/sandbox/restart", {"seconds": one.for_s})


def _machine_deleted(one: Disturbance, scene: Scene) -> None:
    """Somebody deletes a VM or pod that is measured in."""
    found = _machines(scene)
    deleted = bool(found)
    path = found[one.index % len(found)] if found else ""
    try:
        if found:
            scene.place.cluster.call("DELETE", path)
    except urllib.error.HTTPError as error:
        if error.code != 404:  # the run was faster
            raise
        deleted = False
    scene.note(one.kind, path.rpartition("/")[2] or "none there", hit=deleted)


def _token(one: Disturbance, scene: Scene) -> None:
    """The run's token is revoked; its login gives another, at once or a little later."""
    place = scene.place
    scene.note(one.kind, f"revoked, the next after {one.for_s / 4:.1f} s")
    place.cluster.call("DELETE", "/sandbox/tokens", {"token": place.token})
    scene.ended.wait(one.for_s / 4)
    place.log_in()


def _beside(one: Disturbance, scene: Scene) -> None:
    """Clean up or resume while the run is alive."""
    place = scene.place
    if one.kind == "resume beside":
        arguments = ["--odf-resume", scene.run_id]
    else:
        target = scene.run_id if one.target == "this run" else one.target
        arguments = ["--odf-cleanup", target, "--odf-matrix", "m.yaml"]
    out = place.folder / f"beside-{time.monotonic_ns()}.txt"
    alive = not scene.ended.is_set()
    process = start(place, arguments, out)
    ended = wait(process, _BESIDE_S)
    scene.beside.append(out.read_text(errors="replace"))
    code = process.returncode if ended else "hung"
    # If the run ended meanwhile, there was nobody to leave alone.
    scene.note(one.kind, f"{' '.join(arguments[:2])}: {code}", hit=alive and not scene.ended.is_set())


def _remount(path: Path, how: str) -> bool:
    return (
        subprocess.run(
            ["mount", "-o", f"remount,{how}", str(path)], capture_output=True, check=False
        ).returncode
        == 0
    )


@contextlib.contextmanager
def small_disk(path: Path) -> Iterator[None]:
    """A disk of its own at ``path``, to be filled. Raises `OSError` without the right to mount."""
    path.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "odf-chaos", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise OSError("there is no mount") from error
    if done.returncode:
        raise OSError(done.stderr.strip())
    try:
        yield
    finally:
        _remount(path, "rw")
        kept = path.with_name(f"{path.name}.kept")
        shutil.copytree(path, kept, symlinks=True)
        subprocess.run(["umount", "-l", str(path)], check=True)
        path.rmdir()
        kept.rename(path)


def clear(mark: str) -> None:
    """End what is left of an attempt, for the next round's sake."""
    for process in marked(mark):
        send(process.pid, signal.SIGKILL)


_ACTS: dict[str, Callable[[Disturbance, Scene], None]] = {
    "signal": _signal,
    "signal twice": _signal_twice,
    "signal then kill": _signal_then_kill,
    "kill": _kill,
    "pause": _pause,
    "disk full": _disk_full,
    "read-only": _read_only,
    "folder gone": _folder_gone,
    "api": _rule,
    "api frozen": _frozen,
    "api restart": _restart,
    "token": _token,
    "tunnel cut": _rule,
    "machine deleted": _machine_deleted,
    "cleanup beside": _beside,
    "resume beside": _beside,
}
