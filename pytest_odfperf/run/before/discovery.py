"""The storage of a cluster as a matrix file that somebody may take."""

from __future__ import annotations

from pathlib import Path

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.run.before.cluster_choice import open_access
from pytest_odfperf.run.before.selection import DEFAULT_MATRIX, Selection
from pytest_odfperf.waiting import Stop


def discover(selection: Selection, matrix: str | None, stop: Stop) -> tuple[str, list[str]]:
    """The file, and what is told beside it; an empty file if there is nothing to propose.

    It extends ``matrix``, as given. Raises `ClusterError`, and `InputError` if it could not be read again.
    """
    from pytest_odfperf.cluster.client.calls import Calls
    from pytest_odfperf.cluster.discovery.found_storage import read_storage
    from pytest_odfperf.cluster.discovery.proposal_text import proposal_text
    from pytest_odfperf.cluster.discovery.propose import propose

    with open_access(selection, stop) as (cluster, _):
        found = read_storage(Calls(cluster, stop), cluster.server, selection.matrix.guest)
    made = propose(found, selection.matrix, matrix or DEFAULT_MATRIX)
    notes = [*found.unread, f"{len(made.proposed)} of {len(made.pools)} StorageClasses are proposed"]
    if not made.proposed:
        reasons = [f"{pool.settings['storage_class'].value}: {pool.left_out}" for pool in made.left_out]
        return "", [*notes, *reasons]
    text = proposal_text(made)
    try:
        load_text(text, source="the proposal", folder=Path.cwd(), name="proposal")
    except InputError as error:
        raise InputError(
            f"--odf-discover: what it would write could not be read again: {error}; "
            "a smaller matrix may be extended: --odf-quick, --odf-rank, --odf-matrix"
        ) from error
    return text, notes
