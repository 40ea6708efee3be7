"""The cloud-init user data of a guest: who may log in, its host key, and the benchmark service."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import yaml

from pytest_odfperf.matrix.model import Target
from pytest_odfperf.matrix.vm_patch import DATA_SERIAL
from pytest_odfperf.redaction import Hidden

GUEST_SCRIPT = "/usr/local/sbin/odfperf-guest"
DATA_DIR = "/mnt/data"
#: The file that profiles share with ``filename=``; filled once per group.
LAYOUT_FILE = "fio-testfile"

_SSHD = "UseDNS no\nGSSAPIAuthentication no\n"


#: libyaml's, where there is one: PyYAML's own takes 50 ms for each guest's script.
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def user_data(
    *,
    user: str,
    client_key_public: str,
    host_key_private: Hidden,
    host_key_public: str,
    job: str,
    layout_bytes: int,
    packages: Sequence[str] = (),
    target: Target = "file",
) -> Hidden:
    """A ``#cloud-config`` document. All values may hold anything: nothing is pasted into YAML or shell."""
    config: dict[str, Any] = {
        "users": [
            {
                "name": user,
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "shell": "/bin/bash",
                "lock_passwd": True,
                "ssh_authorized_keys": [client_key_public],
            }
        ],
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": host_key_private.reveal(), "ed25519_public": host_key_public},
        "write_files": [
            _file("/etc/odfperf/guest.conf", guest_conf(layout_bytes, target, bool(packages))),
            _file("/etc/odfperf/job.fio", job),
            _file("/etc/ssh/sshd_config.d/10-odfperf.conf", _SSHD, mode="0600"),
            _file(GUEST_SCRIPT, resource("odfperf-guest"), mode="0755"),
            _file("/etc/systemd/system/odfperf-setup.service", resource("odfperf-setup.service")),
            _file("/etc/systemd/system/odfperf-fio.service", resource("odfperf-fio.service")),
        ],
        "runcmd": [
            ["sh", "-c", "systemctl disable --now firewalld 2>/dev/null || true"],
            # The unit is sshd on Fedora and its kin, ssh on Debian and its kin.
            ["sh", "-c", "systemctl enable --now sshd 2>/dev/null || systemctl enable --now ssh || true"],
            ["systemctl", "daemon-reload"],
            ["systemctl", "start", "--no-block", "odfperf-setup.service"],
        ],
    }
    if packages:
        config["packages"] = list(packages)
    document = yaml.dump(config, Dumper=_DUMPER, sort_keys=False, allow_unicode=False, width=1000)
    return Hidden(f"#cloud-config\n{document}")


def guest_conf(layout_bytes: int, target: Target, packages: bool = False, **more: str) -> str:
    """What the guest's script reads, as shell variables; ``more`` are others, or others' values."""
    settings = {
        "DATA_DIR": DATA_DIR,
        "DATA_SERIAL": DATA_SERIAL,
        "LAYOUT_BYTES": str(layout_bytes),
        "LAYOUT_FILE": LAYOUT_FILE,
        "TARGET": target,
        "WAIT_FOR_PACKAGES": "1" if packages else "0",
        **more,
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())


def _file(path: str, content: str, mode: str = "0644") -> dict[str, str]:
    return {"path": path, "permissions": mode, "owner": "root:root", "content": content}


def resource(name: str) -> str:
    """A file of the guest's side."""
    return files("pytest_odfperf.vm").joinpath("guest", name).read_text(encoding="utf-8")
