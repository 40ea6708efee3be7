"""What a built guest image is made of; its hash names the image in the cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

#: Debian 12: its cloud kernel has ext4 and NVMe built in, so that no initramfs is needed.
SUITE = "bookworm"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "udev",
    "kmod",
    "dbus",
    "apt",
    "ca-certificates",
    "cloud-init",
    "e2fsprogs",
    "fio",
    "iproute2",
    "openssh-server",
    "procps",
    "sudo",
    "util-linux-extra",
    "xfsprogs",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    suite: str = SUITE
    packages: tuple[str, ...] = PACKAGES
    #: Of the root file system; sparse, so that only what is used takes space.
    size_bytes: int = 3 << 30

    @property
    def script(self) -> bytes:
        """The customisation of the tree, a shell script."""
        return files("pytest_odfperf.sandbox.image").joinpath("customize.sh").read_bytes()

    @property
    def key(self) -> str:
        """Changes with everything that changes the image, except for Debian's own updates."""
        text = "\n".join((self.suite, *self.packages, str(self.size_bytes)))
        return hashlib.sha256(text.encode() + b"\0" + self.script).hexdigest()[:16]
