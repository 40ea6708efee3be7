"""What the manager's Python finds before what the system has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

#: Modules that Ceph's own import and use for nothing that is done here, where the system's can not be loaded:
#: the text of one that stands in. It is there in every release, since it harms none. The manager has an
#: interpreter for each of its modules in one process, and what was made with an older PyO3 loads in one only.
STAND_INS: Mapping[str, str] = {
    # Debian 13 (bcrypt 4.2, Ceph 18.2.7): ``mgr_util`` imports it at its head, for passwords of users of a
    # dashboard, so that no module but the first loads, and there are no metrics.
    "bcrypt": '"""Stands in for bcrypt: nothing here has a password."""\n',
}


def manager_environment(folder: Path) -> dict[str, str]:
    """Write the modules into ``folder``; the variables that the manager needs to find them first."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in STAND_INS.items():
        (folder / f"{name}.py").write_text(text)
    others = os.environ.get("PYTHONPATH")
    return {
        "PYTHONPATH": f"{folder}{os.pathsep}{others}" if others else str(folder),
        # Else root's would leave folders in /usr/share/ceph that only root may open (files of the sandbox are
        # its user's only), and the manager of any other user, this machine's own too, aborts there (Ceph 19).
        "PYTHONDONTWRITEBYTECODE": "1",
    }
