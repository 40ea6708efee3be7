"""What a section does, as one text: for people, and to tell whether figures of two sections may be added."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_odfperf.fio.job import Section

#: What people tell loads apart by, in this order.
_SHOWN = (
    "rw", "rwmixread", "rwmixwrite", "bs", "bsrange", "bssplit", "iodepth", "numjobs", "ioengine", "fsync",
    "fdatasync", "sync", "rate", "rate_iops", "thinktime",
)  # fmt: skip
#: Options that decide when, where and how it is told, not how fast.
_NEUTRAL = re.compile(
    r"stonewall|wait_for(_previous)?|new_group|description|filename(_format)?|write_\w+_log|log_\w+|per_job_logs|"
    r"unlink(_each_loop)?|group_reporting|\w*lat_percentiles|percentile_list|allow_file_create|randseed"
)
_USUAL = {"bs": "4k", "iodepth": "1", "numjobs": "1"}


def shown(section: Section) -> str:
    """``rw=randread bs=8k iodepth=16 numjobs=4``."""
    options = _options(section)
    left_out = {"ioengine": "libaio", "iodepth": "1", "numjobs": "1"}
    if {"bsrange", "bssplit"} & set(section.options):
        left_out["bs"] = options["bs"]
    return " ".join(
        f"{name}={options[name]}"
        for name in _SHOWN
        if name in options and left_out.get(name) != options[name]
    )


def kind(section: Section) -> str:
    """All options that decide its figures."""
    options = _options(section)
    return " ".join(f"{name}={options[name]}" for name in sorted(options) if not _NEUTRAL.fullmatch(name))


def _options(section: Section) -> Mapping[str, str]:
    return _USUAL | dict(section.options)
