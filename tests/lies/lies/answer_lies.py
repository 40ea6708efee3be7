"""Lies in fio's answer: something else ran than was asked for, or its figures disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lies.lie import Lie, faulty

READ = "jobs/0/read/"
OPTIONS = "jobs/0/job options/"


def _said(name: str, says: str, right: str, changes: Mapping[str, Any], **more: Any) -> Lie:
    """In fio's answer."""
    family = more.pop("family", "the figures disagree")
    return faulty(name, says, family, right, {"answer": changes}, **more)


def _other(
    name: str,
    says: str,
    changes: Mapping[str, Any],
    right: str = "other_options other_engine config",
    **more: Any,
) -> Lie:
    """Something else ran than was asked for."""
    return _said(name, says, right, changes, family="not what was asked for", **more)


def _recorded(name: str, says: str, right: str, failure: str) -> Lie:
    """What a real fio left."""
    return faulty(name, says, "not what was asked for", right, {"fio_failure": failure})


ASKED: tuple[Lie, ...] = (
    _recorded(
        "full-disk", "the disk was full after some I/Os, whose figures look fine", "no_space", "no_space"
    ),
    _recorded(
        "culprit", "a job of a group failed; its entry shows the others' I/Os", "timeout", "group_culprit"
    ),
    _recorded("signal", "ended by SIGTERM, with a whole answer", "interrupted", "sigterm"),
    _recorded(
        "end-of-file", "it ended when its files were read, not by its time", "other_length truncated", "short"
    ),
    _other(
        "buffered",
        "the page cache was measured: fio ran with direct=0",
        {"global options/direct": "0"},
        "page_cache config",
    ),
    _other("other-block-size", "64k blocks in place of 4k", {"global options/bs": "64k"}),
    _other("other-depth", "iodepth=1 in place of 8", {"global options/iodepth": "1"}),
    _other("other-engine", "psync in place of libaio", {"global options/ioengine": "psync"}),
    _other("other-workers", "one worker in place of two", {"global options/numjobs": "1"}),
    _other("sequential", "rw=read in place of randread", {OPTIONS + "rw": "read"}),
    _other("rate-limited", "a rate limit that nobody asked for", {OPTIONS + "rate_iops": "500"}),
    _other("verify", "I/Os that verify are counted as reads", {OPTIONS + "verify": "crc32c"}),
    _other(
        "errors-ignored", "I/Os that failed count: continue_on_error", {OPTIONS + "continue_on_error": "all"}
    ),
    _other(
        "depth-one",
        "the queue was never deeper than 1, though iodepth=8",
        {"jobs/0/iodepth_level/1": 100.0, "jobs/0/iodepth_level/8": 0.0},
        "depth_not_reached",
    ),
    _other(
        "half-size",
        "the blocks were half as large: half the bytes for the same I/Os",
        {READ + "io_bytes": {"times": 0.5}},
        "other_block_size inconsistent",
    ),
    _other(
        "killed-worker",
        "one of two workers was killed: the summed runtime is half",
        {"jobs/0/job_runtime": {"times": 0.5}},
        "workers_missing interrupted",
    ),
    _other(
        "short-by-fio",
        "it ran 36 of 60 s by fio's own runtime",
        {READ + "runtime": {"times": 0.6}},
        "other_length truncated",
    ),
    _other(
        "failed-ios",
        "200 I/Os failed, exit code 0",
        {"jobs/0/total_err": 200, "jobs/0/first_error": 5},
        "failed_ios io_error",
    ),
    _other("error-in-the-answer", "error 5 of the job, exit code 0", {"jobs/0/error": 5}, "io_error"),
    faulty(
        "terminated",
        "ended by SIGTERM, exit code 0, which only stderr tells",
        "not what was asked for",
        "fio_message interrupted",
        {"says": "\nfio: terminating on signal 15\n"},
    ),
    faulty(
        "worker-killed-stderr",
        "a worker was killed, which only stderr tells",
        "not what was asked for",
        "fio_message interrupted",
        {"says": "fio: pid=812, got signal=9\n"},
    ),
    faulty(
        "note",
        "the depth was capped, which only a note tells",
        "not what was asked for",
        "fio_message config",
        {"says": "note: both iodepth >= 1 and synchronous I/O engine are selected, depth is capped\n"},
    ),
    faulty(
        "other-version",
        "one of three guests has another fio",
        "not what was asked for",
        "unlike_guests",
        {"answer": {"fio version": "fio-3.19"}, "facts": {"fio_version": "fio-3.19"}, "guests": [1]},
        vms=3,
    ),
    faulty(
        "other-kernel",
        "one of three guests has another kernel",
        "not what was asked for",
        "unlike_guests",
        {"facts": {"kernel": "5.14.0"}, "guests": [2]},
        vms=3,
    ),
)

FIGURES: tuple[Lie, ...] = (
    _said(
        "iops-times-ten",
        "ten times the I/Os in fio's counts, the latencies as they were",
        "counts_differ inconsistent",
        {READ + "total_ios": {"times": 10}, READ + "iops": {"times": 10}},
    ),
    _said(
        "six-million",
        "six million I/Os, one latency",
        "counts_differ inconsistent",
        {READ + "total_ios": 6_000_000, READ + "lat_ns/N": 1, READ + "lat_ns/bins": {"100": 1}},
    ),
    _said("no-bytes", "no byte was moved", "other_block_size inconsistent", {READ + "io_bytes": 0}),
    _said(
        "ten-runtimes",
        "ten times the runtime",
        "other_length inconsistent",
        {READ + "runtime": {"times": 10}},
    ),
    _said("iops-field", "iops is not total_ios / runtime", "rates_differ", {READ + "iops": {"times": 2}}),
    _said(
        "bandwidth-field",
        "bw_bytes is not io_bytes / runtime",
        "rates_differ",
        {READ + "bw_bytes": {"times": 3}},
    ),
    _said(
        "mean",
        "a mean of a tenth, the histogram as it was",
        "histogram_differs impossible_value",
        {READ + "lat_ns/mean": {"times": 0.1}},
    ),
    _said(
        "mean-a-little",
        "a mean that is 5 % less",
        "histogram_differs impossible_value",
        {READ + "lat_ns/mean": {"times": 0.95}},
    ),
    _said(
        "max-below",
        "a maximum below the slowest bucket",
        "histogram_differs impossible_value",
        {READ + "lat_ns/max": {"times": 0.5}},
    ),
    _said(
        "min-above",
        "a minimum above the mean",
        "histogram_differs impossible_value",
        {READ + "lat_ns/min": {"times": 50}},
    ),
    _said(
        "percentile-table",
        "fio's p99 is not that of its histogram",
        "percentiles_differ",
        {READ + "lat_ns/percentile/99.000000": {"times": 0.5}},
    ),
    _said(
        "faster-bins",
        "all latencies a fifth: fewer I/Os were in flight than the rate needs",
        "littles_law",
        {
            READ + f"lat_ns/{name}": {"times": 0.2}
            for name in (
                "bins",
                "min",
                "max",
                "mean",
                "stddev",
                "percentile/50.000000",
                "percentile/99.000000",
            )
        },
    ),
    _said(
        "missing-ios",
        "a fifth of the latencies is missing",
        "histogram_differs truncated",
        {READ + "lat_ns/N": {"times": 0.8}},
    ),
    _said(
        "no-histogram",
        "percentiles without a histogram",
        "histogram_differs config",
        {READ + "lat_ns/bins": None},
    ),
    _said("negative", "a negative count", "impossible_value truncated", {READ + "total_ios": -5}),
    _said(
        "all-times-ten",
        "ten times the rate in the whole answer, and the latencies as they were",
        "counts_differ histogram_differs littles_law bytes_missing truncated",
        {
            READ + name: {"times": 10}
            for name in ("total_ios", "io_bytes", "io_kbytes", "iops", "bw_bytes", "bw", "lat_ns/N")
        },
    ),
)
