"""A client that knows its cluster: what calls, watches and tunnels of one process share."""

from __future__ import annotations

import threading
from typing import Any

from pytest_odfperf.cluster.client.credentials import Credential, Credentials, credential
from pytest_odfperf.cluster.client.impersonation import Impersonation, impersonate
from pytest_odfperf.cluster.client.outages import Outages
from pytest_odfperf.redaction import redact
from pytest_odfperf.waiting import Stop

#: How long an API server that is away is waited for, unless the matrix says something else.
OUTAGE_S = 120.0


class Cluster:
    """A configured client. Made once per process; its parts may be used by several threads."""

    def __init__(
        self,
        client: Any,
        credentials: Credentials | None = None,
        *,
        impersonation: Impersonation = Impersonation(),  # noqa: B008 - frozen
        outage_s: float = OUTAGE_S,
    ) -> None:
        """``credentials`` None: those of the client's configuration never change."""
        self.client = client
        #: Whom every request and tunnel speaks for.
        self.impersonation = impersonation
        impersonate(client.rest_client, impersonation.headers)
        #: How long each call waits for an API server that is away.
        self.outage_s = outage_s
        self.outages = Outages()
        #: Whether a refused credential was good before, so that a new one can be expected.
        self.was_known = False
        self._credentials = credentials
        self._apis: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def configuration(self) -> Any:
        return self.client.configuration

    @property
    def server(self) -> str:
        """The API server's address, without a password."""
        return redact(str(self.configuration.host).rstrip("/"))

    def api(self, name: str) -> Any:
        """The client's class ``name`` (``CoreV1Api``, ...), made once."""
        import kubernetes.client

        with self._lock:
            if name not in self._apis:
                self._apis[name] = getattr(kubernetes.client, name)(self.client)
            return self._apis[name]

    @property
    def credential(self) -> Credential:
        """What a call that is made now shows to the server."""
        return credential(self.configuration)

    @property
    def login_problem(self) -> str | None:
        """Why the last login gave nothing new."""
        return self._credentials.problem if self._credentials is not None else None

    def log_in_again(self, refused: Credential, stop: Stop | None = None) -> bool:
        """Whether there are other credentials than ``refused`` now. One login at a time, whoever asks."""
        if self._credentials is None:
            return False
        files = self.configuration.cert_file, self.configuration.key_file
        renewed = self._credentials.log_in_again(self.configuration, refused, stop or Stop())
        if files != (self.configuration.cert_file, self.configuration.key_file):
            # Its pool of connections holds the names of the old files.
            self.client.rest_client = type(self.client.rest_client)(self.configuration)
            impersonate(self.client.rest_client, self.impersonation.headers)
        return renewed

    def close(self) -> None:
        self.client.close()
