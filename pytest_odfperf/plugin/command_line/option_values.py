"""The values of options that are more than a text. Each raises `argparse.ArgumentTypeError`."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from pytest_odfperf.report.tables.csv_layout import CsvLayout
    from pytest_odfperf.schedule.backends import Isolation

Parallel = int | Literal["auto"]

Word = TypeVar("Word", bound=str)


def parallel(text: str) -> Parallel:
    """The value of ``--odf-parallel``: ``auto`` or a number of pools from 1."""
    if text == "auto":
        return "auto"
    if not (text.isascii() and text.lstrip("-").isdigit()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither 'auto' nor a number of pools; before a path write --odf-parallel=auto"
        )
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} pools can not run in parallel: from 1, or 'auto'")
    return int(text)


def repeats(text: str) -> int:
    """The value of ``--odf-repeat``."""
    from pytest_odfperf.schedule.repeat_blocks import MOST_REPEATS

    return _whole(text, "a number of repeats", MOST_REPEATS)


def rounds(text: str) -> int:
    """The value of ``--odf-rounds``."""
    from pytest_odfperf.schedule.repeat_blocks import MOST_REPEATS

    return _whole(text, "a number of rounds", MOST_REPEATS)


def seed(text: str) -> int:
    """The value of ``--odf-seed``."""
    from pytest_odfperf.schedule.repeat_blocks import LARGEST_SEED

    return _whole(text, "a seed", LARGEST_SEED)


def _whole(text: str, what: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {what}: a whole number from 1 to {most}")
    return int(text)


#: No user, no query; without TLS on this machine only.
_URL = re.compile(
    r"https://[^\s/?#@]+(/[^\s?#]*)?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?(/[^\s?#]*)?", re.ASCII
)


def isolation(text: str) -> Isolation:
    """The value of ``--odf-isolation``."""
    from pytest_odfperf.schedule.backends import ISOLATIONS

    return _one_of(text, ISOLATIONS)


def prometheus(text: str) -> str:
    """The value of ``--odf-prometheus``: a credential goes there, so encrypted, or on this machine."""
    if not _URL.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text[:80]!r} is not a URL of Prometheus: https://host[:port][/path], without user and query"
        )
    return text


def csv_layout(text: str) -> CsvLayout:
    """The value of ``--odf-csv``."""
    from pytest_odfperf.report.tables.csv_layout import CSV_LAYOUTS

    return _one_of(text, CSV_LAYOUTS)


def _one_of(text: str, known: tuple[Word, ...]) -> Word:
    for word in known:
        if text == word:
            return word
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not one of {', '.join(known)}")
