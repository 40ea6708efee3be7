"""What simulated machines do to a real Ceph, which never sees it: added to what its manager counts."""

from __future__ import annotations

import re

from pytest_odfperf.sandbox.ceph.client_io import ClientIo

_POOL = re.compile(r'^ceph_pool_metadata\{[^}\n]*pool_id="(\d+)"[^}\n]*\bname="([^"\n]*)"', re.MULTILINE)
_COUNT = re.compile(r'^(ceph_pool_(rd|rd_bytes|wr|wr_bytes)\{pool_id="(\d+)"\}) (\S+)$', re.MULTILINE)


def with_modelled_io(text: str, client_io: ClientIo) -> str:
    """The manager's metrics, its pools' counters with the I/O of simulated guests."""
    names = dict(_POOL.findall(text))

    def added(found: re.Match[str]) -> str:
        done = client_io.count(names.get(found[3], ""))
        more = {
            "rd": done.reads,
            "rd_bytes": done.read_bytes,
            "wr": done.writes,
            "wr_bytes": done.written_bytes,
        }
        return f"{found[1]} {float(found[4]) + int(more[found[2]]):.1f}"

    return _COUNT.sub(added, text)
