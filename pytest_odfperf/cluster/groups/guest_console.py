"""What guests say on their serial consoles while nobody can log in yet: above all that cloud-init failed."""

from __future__ import annotations

import re
import threading
import time

from pytest_odfperf.cluster.causes.cause_table import Patience
from pytest_odfperf.cluster.causes.seen import container_names, short_line
from pytest_odfperf.cluster.client.api_request import pod_log
from pytest_odfperf.cluster.client.calls import ApiError, JsonObject, as_api_error, transport_errors
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import POD
from pytest_odfperf.cluster.groups.pool_watch import GroupView
from pytest_odfperf.cluster.groups.sentinel import LOGGER, Sentinel
from pytest_odfperf.errors import GroupError, InterruptedRunError
from pytest_odfperf.redaction import redact
from pytest_odfperf.vm import labels
from pytest_odfperf.vm.spec import GroupSpec
from pytest_odfperf.waiting import Stop

#: The launcher pod's container that logs the serial console (KubeVirt 1.1 and later); an init container since
#: KubeVirt 1.6.
CONTAINER = "guest-console-log"
_LINES = 500
#: One console a second, whatever the number of guests.
_PAUSE_S = 1.0
_CALL_S = 5.0

#: Lines of cloud-init and systemd that say that the guest is not what its user data asked for.
_FAILED = re.compile(
    r"\[FAILED\].*cloud-(?:init|config|final)"
    r"|cloud-init\[\d+\]:.*(?:Failed loading yaml blob|Running module \S+ .*failed|Traceback|\bERROR\b)"
    r"|cloud-init.*: (?:status: error|finished with errors)",
    re.IGNORECASE,
)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def cloud_init_failure(console: str) -> str | None:
    """The last line of a console that says that cloud-init failed."""
    lines = [line for line in _ESCAPES.sub("", console).splitlines() if _FAILED.search(line)]
    return short_line(redact(lines[-1]), 300) if lines else None


class ConsoleWatch:
    """While the guests are awaited, reads their consoles in turn; a failed cloud-init ends the wait.

    Not at once: a module that failed may be one that nobody needs, and then SSH answers. Where logs can not
    be read, nothing happens.
    """

    def __init__(
        self, cluster: Cluster, spec: GroupSpec, seen: GroupView, sentinel: Sentinel, patience: Patience
    ) -> None:
        self._cluster = cluster
        self._seen = seen
        self._spec = spec
        self._sentinel = sentinel
        self._patience = patience
        self._closed = Stop(sentinel.stop)
        #: When a guest's cloud-init was first seen to have failed.
        self._since_s: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name=f"console-{spec.key}", daemon=True)

    def __enter__(self) -> ConsoleWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join(1.0)

    @property
    def known(self) -> dict[str, float]:
        """Guests whose cloud-init failed."""
        return dict(self._since_s)

    def _run(self) -> None:
        try:
            while True:
                for pod in self._seen.of(POD).values():
                    self._closed.sleep(_PAUSE_S)
                    self._judge(pod)
                self._closed.sleep(_PAUSE_S)
        except InterruptedRunError:
            return
        except ApiError as error:
            LOGGER.info("VM group %s: consoles can not be read: %s", self._spec.key, error)

    def _judge(self, pod: JsonObject) -> None:
        said = cloud_init_failure(self._read(pod)) if CONTAINER in container_names(pod) else None
        if said is None:
            return
        guest = (pod["metadata"].get("labels") or {}).get(labels.VM, pod["metadata"]["name"])
        now_s = time.monotonic()
        if guest not in self._since_s:
            LOGGER.warning("VM group %s: cloud_init: guest %s: %s", self._spec.key, guest, said)
        since_s = self._since_s.setdefault(guest, now_s)
        if now_s - since_s >= self._patience.retry_s:
            self._sentinel.alarm(
                GroupError(
                    f"VM group {self._spec.key} could not be made: cloud_init: guest {guest} does not let us "
                    f"in, and its console says: {said}; next: read its console in the diagnosis; does the "
                    "image of guest.data_source have cloud-init, and the packages that the matrix asks for?",
                    cause="cloud_init",
                )
            )

    def _read(self, pod: JsonObject) -> str:
        what = f"console of {pod['metadata']['name']}"
        try:
            read = pod_log(self._cluster, pod["metadata"]["namespace"], pod["metadata"]["name"])
            answer = read(container=CONTAINER, tail_lines=_LINES, timeout_s=(_CALL_S, _CALL_S))
            return bytes(answer.data).decode("utf-8", "replace")
        except transport_errors() as error:
            problem = as_api_error(what, error)
            if problem.status in (401, 403):
                raise problem from error
            return ""
