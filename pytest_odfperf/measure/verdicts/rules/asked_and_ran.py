"""What was asked is what ran: the job against what fio says of itself, and the guests against each other.

fio ends with 0, and with ``error: 0``, after a worker was killed (only the summed ``job_runtime`` is short),
after I/Os failed under ``continue_on_error``, and after it ran another engine, depth or block size than
meant.
Facts: fio 3.33 to 3.41 (``stat.c``, ``backend.c``).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from pytest_odfperf.fio.job_file.options_table import DEFAULT_ENGINE, engines
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence, SectionEvidence
from pytest_odfperf.measure.verdicts.rules.held_back import held_back

#: fio stops a few milliseconds early or late; a run below this share of its time was cut short.
RUNTIME_SHARE = 0.98
#: What a run may take beyond its runtime, and the I/O that it waits for at its end.
OVERRUN_S, OVERRUN_SHARE = 2.0, 0.05
#: Given to fio beside the job, or of no effect.
_BESIDE = frozenset({"directory", "name", "description", "output", "output-format", "eta"})
#: fio may leave out flags that are written without a value (3.33). These always have one.
_FLAG = "1"
_OFF = ("0", "none")
_ALWAYS_TOLD = frozenset({"direct", "rw", "bs", "iodepth", "numjobs", "ioengine", "size"})
#: Codes of their own.
_CODES = {"direct": "page_cache", "buffered": "page_cache", "ioengine": "other_engine"}
#: Spreads of the share of reads in a mix that chance may explain, and a share of all I/Os beside it.
MIX_SPREADS, MIX_SHARE = 6.0, 0.01


def options(evidence: Evidence) -> Iterator[Doubt]:
    """``job options`` of the answer against the rendered job."""
    for one in evidence.sections():
        ran = one.reported.options
        if ran is None:
            continue
        for option, wanted in one.section.options.items():
            found = ran.get(option)
            if "$" in wanted or (found is None and wanted == _FLAG and option not in _ALWAYS_TOLD):
                continue
            if found is None:
                yield _options(one, option, f"fio ran without {option}={wanted:.60}")
            elif _value(found) != _value(wanted):
                yield _options(one, option, f"fio ran with {option}={found:.60}, not {wanted:.60}")
        for option in ran.keys() - one.section.options.keys() - _BESIDE:
            if ran[option] not in _OFF and (option, ran[option]) != ("direct", _FLAG):
                yield _options(one, option, f"fio ran with {option}={ran[option]:.60}, which the job has not")


def _options(one: SectionEvidence, option: str, text: str) -> Doubt:
    code = _CODES.get(option, "other_options")
    if code == "page_cache" and one.section.buffered:
        code = "other_options"
    return Doubt(code=code, level="invalid", text=f"{one.where}: {text}")


def _value(text: str) -> str:
    """A flag without a value is 1."""
    return text.strip() or _FLAG


def depth(evidence: Evidence) -> Iterator[Doubt]:
    """fio runs a synchronous engine at depth 1, and tells nobody unless its jobs are threads."""
    for one in evidence.sections():
        shares, asked = one.reported.depth_shares, one.section.iodepth
        engine = one.section.options.get("ioengine", DEFAULT_ENGINE)
        known = engines().get(engine)
        shallow = known is not None and known.synchronous
        if not shares or asked < 2 or (held_back(one.section) and not shallow):
            continue
        reached = max((least for least, share in shares.items() if share > 0), default=0)
        # Ranges begin at powers of two, the last one at 64.
        wanted = min(64, 1 << (asked.bit_length() - 1))
        if reached < wanted:
            why = f"; ioengine={engine} is synchronous" if shallow else ""
            yield Doubt(
                code="depth_not_reached",
                level="invalid",
                text=f"{one.where}: no I/O was issued with {wanted} or more in flight, only {reached} and "
                f"more, of the {asked} that were asked for{why}",
                figures={"depth_reached": reached, "depth_asked": asked},
            )


def workers(evidence: Evidence) -> Iterator[Doubt]:
    """``job_runtime`` is the sum over a section's workers."""
    for one in evidence.sections():
        summed = one.reported.job_runtime_ms
        count, least_ms = one.section.numjobs, RUNTIME_SHARE * 1000 * evidence.settings.runtime_s
        most_ms = _most_ms(evidence, one)
        figures = {"job_runtime_ms": summed or 0.0, "workers": float(count)}
        if summed is not None and summed < count * least_ms:
            yield Doubt(
                code="workers_missing",
                level="invalid",
                text=f"{one.where}: its {count} workers ran {summed:.0f} ms of "
                f"{1000 * count * evidence.settings.runtime_s} ms: one was killed, or ended early",
                figures=figures,
            )
        elif summed is not None and summed > count * most_ms:
            yield Doubt(
                code="other_length",
                level="invalid",
                text=f"{one.where}: its {count} workers ran {summed:.0f} ms, at most "
                f"{count * most_ms:.0f} ms can be",
                figures=figures,
            )


def length(evidence: Evidence) -> Iterator[Doubt]:
    """By fio's count for each direction, and by the guest's own clock for all phases together."""
    runtime_ms = 1000 * evidence.settings.runtime_s
    for one in evidence.sections():
        most_ms = _most_ms(evidence, one)
        for direction, part in one.directions.items():
            ran_ms = part.runtime_ms
            if not RUNTIME_SHARE * runtime_ms <= ran_ms <= most_ms:
                yield Doubt(
                    code="other_length",
                    level="invalid",
                    text=f"{one.where} {direction}: ran {ran_ms} ms of {runtime_ms} ms",
                    figures={"runtime_ms": ran_ms, "runtime_asked_ms": runtime_ms},
                )
    phases = len(evidence.job.phases)
    asked_s = phases * (evidence.settings.runtime_s + evidence.settings.ramp_s)
    for guest in evidence.guests:
        if guest.ran_s < RUNTIME_SHARE * asked_s:
            yield Doubt(
                code="guest_clock",
                level="invalid",
                text=f"guest {guest.name}: by its own clock fio ran {guest.ran_s:.2f} s, and the job takes "
                f"{asked_s} s at least",
                figures={"ran_s": guest.ran_s, "asked_s": asked_s},
            )


def _most_ms(evidence: Evidence, one: SectionEvidence) -> float:
    """What a worker may have run: it waits for the longest I/O at its end, and for a pause between I/Os."""
    slowest_ns = max((part.lat_max_ns for part in one.sorts.values()), default=0)
    runtime_s = evidence.settings.runtime_s
    over_s = OVERRUN_SHARE * runtime_s + OVERRUN_S + one.section.thinktime_s
    return 1000 * (runtime_s + over_s) + slowest_ns / 1e6


def block_size(evidence: Evidence) -> Iterator[Doubt]:
    """Bytes for each I/O. Two counts of one run differ by what is in flight at the ramp's end, at most."""
    for one in evidence.sections():
        for direction, part in one.directions.items():
            said = one.reported.directions.get(direction)
            if said is None or said.io_bytes is None:
                continue
            low, high = one.section.block_bytes.get(direction, (1, 1 << 62))
            slack = one.section.numjobs * (one.section.iodepth + 1) * high
            if part.total_ios * low - slack <= said.io_bytes <= part.total_ios * high + slack:
                continue
            each = said.io_bytes / part.total_ios
            yield Doubt(
                code="other_block_size",
                level="invalid",
                text=f"{one.where} {direction}: {said.io_bytes:.0f} bytes in {part.total_ios} I/Os, "
                f"{each:.0f} for each, and not {low}{f' to {high}' if high != low else ''}",
                figures={"io_bytes": said.io_bytes, "total_ios": part.total_ios},
            )


def directions(evidence: Evidence) -> Iterator[Doubt]:
    """No I/Os that were not asked for, and of a mix as many reads as asked for."""
    for one in evidence.sections():
        for direction, said in one.reported.directions.items():
            if direction not in one.section.directions:
                ios = said.total_ios or 0.0
                yield Doubt(
                    code="other_direction",
                    level="invalid",
                    text=f"{one.where}: {ios:.0f} I/Os of {direction}, though it is rw={one.section.rw}",
                    figures={"total_ios": ios},
                )
        yield from _mix(one)


def _mix(one: SectionEvidence) -> Iterator[Doubt]:
    """fio draws lots for each I/O, but not where each direction has a rate of its own."""
    parts, asked = one.directions, _read_share(one)
    if len(parts) < 2 or asked is None:
        return
    reads, writes = parts["read"].total_ios, parts["write"].total_ios
    share, total = reads / (reads + writes), reads + writes
    # One worker's depth of I/Os lies on each end of the window.
    in_flight = one.section.numjobs * one.section.iodepth / total
    chance = MIX_SPREADS * (asked * (1 - asked) / total) ** 0.5
    if abs(share - asked) > MIX_SHARE + chance + in_flight:
        yield Doubt(
            code="other_direction",
            level="invalid",
            text=f"{one.where}: {100 * share:.1f} % of {total} I/Os were reads, and {100 * asked:.0f} % were "
            "asked for",
            figures={"read_share": share, "read_share_asked": asked},
        )


def _read_share(one: SectionEvidence) -> float | None:
    """The share of reads that was asked for; None where other options decide it."""
    options = one.section.options
    if {"rate", "rate_iops", "percentage_random", "rwmixcycle", "rate_process"} & set(options):
        return None
    if ":" in options.get("rw", ""):
        return None
    return one.section.read_share


def phases(evidence: Evidence) -> Iterator[Doubt]:
    """``stonewall`` does not wait for a section that has not started. Only fio 3.36 and newer says when."""
    for guest in evidence.guests:
        starts: dict[int, float] = {}
        for result in guest.result.jobs:
            start = result.reported.started_ms
            if start is None:
                break
            starts[result.phase] = max(start, starts.get(result.phase, start))
            before = starts.get(result.phase - 1)
            if before is not None and start - before < RUNTIME_SHARE * 1000 * evidence.settings.runtime_s:
                yield Doubt(
                    code="phases_overlap",
                    level="invalid",
                    text=f"guest {guest.name}, job {result.name}: began {start - before:.0f} ms after those "
                    f"above it, which run {1000 * evidence.settings.runtime_s} ms",
                    figures={"apart_ms": start - before},
                )


def failed_ios(evidence: Evidence) -> Iterator[Doubt]:
    """fio goes on after errors under ``continue_on_error``; ``iops`` counts what failed."""
    for one in evidence.sections():
        failed, first = one.reported.failed_ios, one.reported.first_error
        if failed:
            name = f" (the first with {errno.errorcode.get(first, first)})" if first else ""
            yield Doubt(
                code="failed_ios",
                level="invalid",
                text=f"{one.where}: {failed:.0f} I/Os failed, and fio went on{name}",
                figures={"failed_ios": failed},
            )


def messages(evidence: Evidence) -> Iterator[Doubt]:
    """Lines of fio that are known to mean something else than the job (`pytest_odfperf.fio.answers.said`)."""
    for guest in evidence.guests:
        for line in guest.result.said:
            yield Doubt(code="fio_message", level="invalid", text=f"guest {guest.name}: fio said: {line}")


def alike(evidence: Evidence) -> Iterator[Doubt]:
    """fio's version and the kernel, in all guests."""
    versions = {guest.name: guest.result.fio_version for guest in evidence.guests}
    kernels = {guest.name: str(guest.facts.get("kernel") or "") for guest in evidence.guests}
    for what, found in (("fio", versions), ("kernel", kernels)):
        names = sorted({value for value in found.values() if value})
        if len(names) > 1:
            yield Doubt(
                code="unlike_guests",
                level="suspect",
                text=f"the guests have {len(names)} versions of {what}: {', '.join(names)[:200]}",
                figures={"versions": len(names)},
            )
    for guest in evidence.guests:
        told = str(guest.facts.get("fio_version") or "")
        if told.startswith("fio-") and told != guest.result.fio_version:
            yield Doubt(
                code="unlike_guests",
                level="suspect",
                text=f"guest {guest.name} has {told:.60}, its answer is of {guest.result.fio_version:.60}",
            )
