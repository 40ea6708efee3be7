"""``python -m pytest_odfperf.sandbox.image``: build the guest image, or say where it is."""

from __future__ import annotations

import asyncio
import sys
import time

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.image.build import cache_dir, guest_image


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> int:
    began = time.monotonic()
    try:
        image = asyncio.run(guest_image("minimal", cache_dir(), _say))
    except OdfError as error:
        _say(str(error))
        return 1
    sys.stdout.write(f"{image.disk} {time.monotonic() - began:.1f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
