"""What must hold after a round. Each law returns what broke it, in words."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from campaign.attempt import Attempt
from campaign.rounds import DISK, Played

#: From a first soft signal to the end, on a slow machine; a second one ends at once.
SIGNAL_S = 45.0
SECOND_S = 5.0
#: Where the run says that it heard it, nothing but the machine's load comes before its end.
HEARD_S = 20.0
_HEARD = "odfperf: second signal"

_ALARMS = re.compile(
    r"Traceback \(most recent call last\)|INTERNALERROR|Exception ignored in|Fatal Python error"
)
_HEADER = "odfperf: run "
#: Keys that failed, a run that ended because nothing could be kept, a run that could not begin.
_DISK_CODES = {0, 1, 2, 4}
#: A key that failed, and what -x and --maxfail make of it.
_LOST_WORKER_CODES = {0, 1, 2}
#: -x had ended the session, which is 2 under xdist, before a signal came to a worker that was ending.
_ENDED_BY_X = "Interrupted: stopping after "


def judge(played: Played) -> list[str]:
    """Everything that a run of a round broke, each with the name of its law."""
    laws = {
        "results": results,
        "objects": objects,
        "reports": reports,
        "processes": processes,
        "files": files,
        "codes": codes,
        "output": output,
        "time": time,
    }
    return [f"{name}: {broken}" for name, law in laws.items() for broken in law(played)]


def results(played: Played) -> list[str]:
    """Every key has exactly one passed result, and none was measured again after it had passed."""
    broken = []
    seen = played.attempts[-1].seen
    passed = Counter((line.key, line.definition) for line in seen.lines if line.status == "passed")
    broken += [f"{key} passed {number} times" for (key, _), number in passed.items() if number > 1]
    measured = {key for key, _ in passed}
    for key in played.plan.keys:
        if key in played.plan.never_pass:
            if key in measured:
                broken.append(f"{key} passed on a machine that died")
            elif key not in seen.last:
                broken.append(f"{key} has no result")
        elif key not in measured:
            line = seen.last.get(key)
            broken.append(
                f"{key} has not passed: {line.status + ', ' + line.reason if line else 'no result'}"
            )
    broken += [f"{key} was not asked for" for key in seen.last if key not in played.plan.keys]
    for attempt in played.attempts:
        done = {line.key for line in attempt.seen.lines[: attempt.lines_before] if line.status == "passed"}
        again = [line for line in attempt.seen.lines[attempt.lines_before :] if line.key in done]
        broken += [
            f"{line.key} was run again after it passed ({line.status}, {line.reason})" for line in again
        ]
    before: list[object] = []
    for attempt in (one for one in played.attempts if one.run_id == played.run_ids[-1]):
        if attempt.seen.lines[: len(before)] != before:
            broken.append(f"records were lost: {before} became {attempt.seen.lines}")
        before = list(attempt.seen.lines)
    return broken


def reports(played: Played) -> list[str]:
    """All reports say what the records say: everything at the end, what was known after an interrupt."""
    broken = []
    for number, attempt in enumerate(played.attempts, 1):
        whole = attempt is played.attempts[-1]
        if whole or _ended_itself(attempt):
            broken += [f"attempt {number}: {one}" for one in _reports(attempt, played, whole=whole)]
        elif not attempt.hits("kill", *DISK):
            broken += [f"attempt {number}: {one}" for one in attempt.seen.problems]
    return broken


def _ended_itself(attempt: Attempt) -> bool:
    """Interrupted or not, it had the time and the disk to write its reports, and something to write."""
    return (
        _HEADER in attempt.out
        and not attempt.is_killed
        and not attempt.hits(*DISK)
        and attempt.code in (0, 1, *(128 + number for number in (1, 2, 15)))
    )


def _reports(attempt: Attempt, played: Played, *, whole: bool) -> list[str]:
    seen = attempt.seen
    broken = list(seen.problems)
    if seen.junit is None or seen.csv is None or seen.html is None or seen.run is None:
        there = {"junit": seen.junit, "csv": seen.csv, "html": seen.html, "run.json": seen.run}
        return [*broken, f"no {', '.join(name for name, what in there.items() if what is None)}"]
    last = {key: line.status for key, line in seen.last.items()}
    known = last if not whole else {key: last.get(key, "missing") for key in played.plan.keys}
    for key, status in known.items():
        if seen.csv.get(key) != {status}:
            broken.append(f"results.csv: {key} is {seen.csv.get(key)}, its record {status}")
        if key not in seen.html:
            broken.append(f"report.html: no {key}")
        cases = seen.junit.get(key, [])
        if len(cases) > 1:
            broken.append(f"junit.xml: {key} is there more than once: {cases}")
        elif cases != [status] and not _after_pass(cases, status):
            broken.append(f"junit.xml: {key} is {cases}, its record {status}")
    broken += [f"results.csv: {key} has no record" for key in seen.csv if key not in last]
    counts: dict[str, Counter[str]] = {}
    for key, status in last.items():
        counts.setdefault(key.partition(":")[0], Counter())[{"error": "failed"}.get(status, status)] += 1
    for pool, count in counts.items():
        right = (count["passed"] + count["failed"], count["passed"], count["failed"], count["skipped"])
        if seen.summaries.get(pool) != right:
            broken.append(f"{pool}/.pool-summary: {seen.summaries.get(pool)}, the records {right}")
    if seen.run.get("left") != []:
        broken.append(f"run.json: left is {seen.run.get('left')}")
    if not seen.run.get("ended_at"):
        broken.append("run.json: no ended_at")
    return broken


def _after_pass(cases: list[str], status: str) -> bool:
    """A failed teardown (a worker that died, a group that could not be deleted) is told with its case."""
    return status == "passed" and cases == ["error"]


def processes(played: Played) -> list[str]:
    return [f"process {one.pid} is left: {one.command}" for one in played.processes]


def files(played: Played) -> list[str]:
    """Nothing is left in TMPDIR and no half-written file in the run's folder, unless processes were ended.

    The Kubernetes client leaves the cluster's certificate, which is public, when its process is ended, as
    execnet does with workers that need more than some seconds for their end.
    """
    left = [path for path in sorted(played.place.tmp.rglob("*")) if path.is_file()]
    half = sorted(str(path.relative_to(played.run)) for path in played.run.rglob(".*.new"))
    broken = [f"a secret in TMPDIR: {path.name}" for path in left if _is_secret(path, played.place.token)]
    if any(attempt.hits("kill", "signal", "pause", *DISK) for attempt in played.attempts):
        return broken
    broken += [f"in TMPDIR: {path.name}" for path in left if not _is_certificate(path)]
    return broken + [f"half-written: {name}" for name in half]


def _is_secret(path: Path, token: str) -> bool:
    text = path.read_text(errors="replace")
    return "PRIVATE KEY" in text or bool(token and token in text)


def _is_certificate(path: Path) -> bool:
    text = path.read_text(errors="replace").strip()
    return text.startswith("-----BEGIN CERTIFICATE-----") and text.endswith("-----END CERTIFICATE-----")


def codes(played: Played) -> list[str]:
    broken = []
    for number, attempt in enumerate(played.attempts, 1):
        broken += [
            f"attempt {number} was alive, and not left alone: {effect.kind}, {effect.what}"
            for effect in attempt.hits("cleanup beside", "resume beside")
            if attempt.run_id in effect.what and not effect.what.endswith(": 4")
        ]
        allowed = allowed_codes(attempt, lossy=bool(played.plan.never_pass))
        if not attempt.hung and attempt.code not in allowed:
            did = "; ".join(f"{e.kind} {e.what} {e.signum}" for e in attempt.effects)
            broken.append(
                f"attempt {number}: {attempt.code} is none of {sorted(allowed)} after {did or 'nothing'}"
            )
    return broken


def allowed_codes(attempt: Attempt, *, lossy: bool) -> set[int]:
    """The exit codes that are documented for what was done to an attempt."""
    done = {1} if lossy else {0}
    if not attempt.disturbances:
        return done
    allowed: set[int] = set()
    if attempt.hits(*DISK):
        allowed |= _DISK_CODES
    if attempt.hits("token", "api restart") and _HEADER not in attempt.out:
        # Refused at the start, where a login that is over is said at once, and a server that is away soon.
        allowed |= {4, *done}
    if attempt.hits("machine deleted"):
        allowed |= {1, *done}
    if _ENDED_BY_X in attempt.out:
        allowed |= {2}
    for effect in attempt.hits("signal", "kill"):
        late = attempt.ended_s - effect.at_s < 2.0
        if effect.kind == "kill" and effect.what in ("controller", "all"):
            allowed |= {-signal.SIGKILL} | (done if late else set())
        elif effect.kind == "kill":
            allowed |= _LOST_WORKER_CODES
        elif effect.kind == "signal":
            allowed |= {128 + effect.signum}
            if _HEADER not in attempt.out:  # before the plugin took over
                allowed |= {-effect.signum, 2, 1}
            if late:
                allowed |= done | {1, -effect.signum}
    # Nothing else that happens to a run excuses it.
    return allowed or done


def output(played: Played) -> list[str]:
    """No traceback, whatever happens; and a run that was ended says how to go on."""
    broken = []
    for number, attempt in enumerate(played.attempts, 1):
        found = _ALARMS.search(attempt.out)
        if found and not (_HEADER not in attempt.out and attempt.hits("signal")):
            broken.append(f"attempt {number}: {_around(attempt.out, found.start())}")
        signals = attempt.hits("signal")
        if (
            attempt.code in {128 + one.signum for one in signals}
            and _HEADER in attempt.out
            and not attempt.is_killed
        ):
            missing = [words for words in ("--odf-resume", "odfperf: deleted") if words not in attempt.out]
            if missing:
                broken.append(f"attempt {number}: interrupted, and its output has no {' and '.join(missing)}")
        besides = [(text, found) for text in attempt.beside if (found := _ALARMS.search(text))]
        broken += [f"attempt {number}, beside it: {_around(text, found.start())}" for text, found in besides]
        if "could not be deleted" in attempt.out:
            broken.append(
                f"attempt {number}: {_around(attempt.out, attempt.out.index('could not be deleted'))}"
            )
    return broken


def _around(text: str, place: int) -> str:
    return " | ".join(text[max(0, place - 100) : place + 1200].splitlines())


def time(played: Played) -> list[str]:
    """Nothing hangs, and a signal ends a run soon."""
    broken = []
    for number, attempt in enumerate(played.attempts, 1):
        if attempt.hung:
            broken.append(f"attempt {number} had not ended: {attempt.out[-600:]!r}")
            continue
        for effect in attempt.hits("signal"):
            took_s, most_s = attempt.ended_s - effect.at_s, SIGNAL_S
            if "second" in effect.what:
                most_s = HEARD_S if _HEARD in attempt.out else SECOND_S
            if took_s > most_s and not attempt.hits("pause"):
                broken.append(f"attempt {number}: ended {took_s:.1f} s after {effect.what} {effect.signum}")
    return broken


def objects(played: Played) -> list[str]:
    """Nothing of a run is in the cluster when it is over: no later cleanup may be needed for that."""
    broken = [f"{name} of run {run} is left" for name, run in played.left.items()]
    if played.cleanup is not None and (played.cleanup.code != 0 or _ALARMS.search(played.cleanup.out)):
        broken.append(
            f"the cleanup of what was killed ended with {played.cleanup.code}: {played.cleanup.out}"
        )
    return broken


def empty(left: Mapping[str, str]) -> list[str]:
    """The cluster is as it was before the round."""
    return [f"empty: {name} of run {run or '(none)'} is left" for name, run in left.items()]
