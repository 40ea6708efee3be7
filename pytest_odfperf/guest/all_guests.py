"""All guests of a group together: connected together, prepared together, started at one instant."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

from pytest_odfperf.errors import GuestError, InterruptedRunError, OdfError
from pytest_odfperf.guest.api_websocket import ClusterAccess
from pytest_odfperf.guest.connection import Gone, never_gone
from pytest_odfperf.guest.guest import Guest, GuestRun
from pytest_odfperf.guest.guest_clock import lead_ns
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.vm.spec import RunningVm
from pytest_odfperf.waiting import SLICE_S, Stop

T = TypeVar("T")
Outcomes = dict[str, T | GuestError]


def connect_all(
    cluster: ClusterAccess,
    vms: Sequence[RunningVm],
    client_key: Hidden,
    *,
    ssh_s: float,
    stop: Stop,
    gone: Gone = never_gone,
) -> tuple[Guest, ...]:
    """Log in to all VMs; all or none. ``gone`` says why a VM will not answer any more.

    Raises `GuestError` of a guest that did not answer in ``ssh_s`` (the others' are closed), and
    `InterruptedRunError`.
    """
    found = _together(
        {
            vm.name: _call(Guest.connect, cluster, vm, client_key, ssh_s=ssh_s, stop=stop, gone=gone)
            for vm in vms
        },
        stop,
    )
    errors = [outcome for outcome in found.values() if isinstance(outcome, GuestError)]
    guests = tuple(outcome for outcome in found.values() if isinstance(outcome, Guest))
    if errors:
        close_all(guests)
        if len(errors) == 1:
            raise errors[0]
        raise GuestError(
            errors[0].guest,
            f"{errors[0].problem} ({len(errors)} of {len(vms)} guests could not be reached)",
            errors[0].reason,
        ) from errors[0]
    return guests


def run_on_all(
    guests: Sequence[Guest],
    job: bytes,
    token: str,
    deadline_s: float,
    stop: Stop,
    *,
    prepare_s: float = 1800.0,
) -> Outcomes[GuestRun]:
    """Run ``job`` (empty: the one that is baked in) in all guests at once: the results by guest's name.

    All are prepared first, then all are told one instant, so that none has the storage to itself. A guest
    that fails has a `GuestError` in its place and hides nobody's results. ``deadline_s`` is what fio gets in
    each guest, ``prepare_s`` what the preparation may take (the first one lays out the test file).

    Raises `InterruptedRunError` at once when the run is told to stop; fio goes on in the guests then, until
    they are deleted.
    """
    prepared = _together(
        {
            guest.name: _call(guest.prepare, job, token, deadline_s=deadline_s, prepare_s=prepare_s)
            for guest in guests
        },
        stop,
    )
    # The slowest may have taken long; who lost its connection meanwhile gets the job anew, before any starts.
    again = [g for g in guests if not isinstance(prepared[g.name], GuestError) and not g.ready]
    prepared |= _together({g.name: _call(g.prepare_again, prepare_s=prepare_s) for g in again}, stop)
    results: Outcomes[GuestRun] = {
        name: outcome for name, outcome in prepared.items() if isinstance(outcome, GuestError)
    }
    prepared_guests = [guest for guest in guests if guest.name not in results]
    start_ns = time.monotonic_ns() + lead_ns([guest.clock for guest in prepared_guests])
    started = []
    for guest in prepared_guests:
        try:
            guest.go(start_ns)
        except GuestError as error:
            results[guest.name] = error
        else:
            started.append(guest)
    results |= _together({g.name: _call(g.finish, deadline_s=deadline_s) for g in started}, stop)
    return {guest.name: results[guest.name] for guest in guests}


def close_all(guests: Sequence[Guest]) -> None:
    """End all connections."""
    for guest in guests:
        guest.close()


def _call(work: Callable[..., T], *arguments: object, **options: object) -> Callable[[], T]:
    return lambda: work(*arguments, **options)


def _together(works: Mapping[str, Callable[[], T]], stop: Stop) -> Outcomes[T]:
    """Do all works at once; a `GuestError` takes the place of a result, another error is raised.

    Daemon threads, not an executor: on a stop nobody waits for them, also not the end of the process. They
    see the stop by themselves, at the latest when the step that they are in times out.
    """
    done: SimpleQueue[tuple[str, T | Exception]] = SimpleQueue()

    def do(name: str, work: Callable[[], T]) -> None:
        try:
            done.put((name, work()))
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            done.put((name, error))

    for name, work in works.items():
        threading.Thread(target=do, args=(name, work), name=f"guest-{name}", daemon=True).start()
    outcomes: Outcomes[T] = {}
    while len(outcomes) < len(works):
        stop.check()
        try:
            name, outcome = done.get(timeout=SLICE_S)
        except Empty:
            continue
        outcomes[name] = _checked(name, outcome)
    return {name: outcomes[name] for name in works}


def _checked(name: str, outcome: T | Exception) -> T | GuestError:
    if isinstance(outcome, GuestError) or not isinstance(outcome, Exception):
        return outcome
    if isinstance(outcome, OdfError) and not isinstance(outcome, InterruptedRunError):
        wrapped = GuestError(name, str(outcome))
        wrapped.__cause__ = outcome
        return wrapped
    raise outcome
