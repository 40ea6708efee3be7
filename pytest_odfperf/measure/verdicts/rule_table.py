"""The table of rules: what makes a measurement suspect or invalid. Pure: what is known of it in, doubts out.

A row for each code. ``look`` yields the doubts of its code; a function that speaks for several codes stands
in each of their rows, and is called once. ``says`` has the limit, as docs/verdicts.md shows it; a test holds
page and table to each other.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_odfperf.measure.verdicts.rule import EITHER, INVALID, SUSPECT, Rule
from pytest_odfperf.measure.verdicts.rules import asked_and_ran as ran
from pytest_odfperf.measure.verdicts.rules import device_rules as devices
from pytest_odfperf.measure.verdicts.rules import disk_rules as disks
from pytest_odfperf.measure.verdicts.rules import figure_rules as figures
from pytest_odfperf.measure.verdicts.rules import osd_rules as daemons
from pytest_odfperf.measure.verdicts.rules import storage_rules as storage
from pytest_odfperf.measure.verdicts.rules.data_rules import shrinking_data
from pytest_odfperf.measure.verdicts.rules.guest_rules import uneven
from pytest_odfperf.measure.verdicts.rules.health_rules import (
    INACTIVE,
    look_at_health,
    look_at_pgs,
    look_at_pools,
)
from pytest_odfperf.measure.verdicts.rules.neighbour_rules import look_beside
from pytest_odfperf.measure.verdicts.rules.start_rules import clocks, together
from pytest_odfperf.measure.verdicts.rules.steady_rules import latencies, open_loop, steady
from pytest_odfperf.measure.verdicts.rules.witness_rules import MOST_STOLEN, stolen_cpu, witnessed

_LOOK_ANSWER = "look at the raw answer in the run's folder"
_MEASURE_AGAIN = "measure again"
_WAIT = f"wait until `ceph status` shows all PGs active+clean, and {_MEASURE_AGAIN}"
_WHO_CHANGED = "see what changed the job between here and fio: the guest image, a wrapper around fio"

RULES: tuple[Rule, ...] = (
    # -- what was asked is what ran
    Rule("page_cache", INVALID, ran.options,
         "fio says that it ran without direct=1, or with buffered I/O, and the profile does not declare it",
         _WHO_CHANGED),
    Rule("other_engine", INVALID, ran.options,
         "fio says that it ran another ioengine than the job's",
         _WHO_CHANGED),
    Rule("other_options", INVALID, ran.options,
         "`job options` of the answer are not the job's: another value, one that is missing, one too many",
         _WHO_CHANGED),
    Rule("depth_not_reached", INVALID, ran.depth,
         "`iodepth_level` has no I/O at the depth that was asked for; not asked of jobs that are held back "
         "by a rate, pauses, syncs or batches",
         "take an asynchronous engine; look whether something in the guest caps the queue"),
    Rule("workers_missing", INVALID, ran.workers,
         f"the summed `job_runtime` is below {100 * ran.RUNTIME_SHARE:.0f} % of numjobs x runtime: a worker "
         "was killed",
         "look in the guest for what ended it (its kernel log names processes killed for memory)"),
    Rule("other_length", INVALID, ran.length,
         f"a direction ran less than {100 * ran.RUNTIME_SHARE:.0f} % of its runtime, or longer than runtime "
         f"+ {100 * ran.OVERRUN_SHARE:.0f} % + {ran.OVERRUN_S:.0f} s + a pause of the job + the longest I/O",
         "look at the guest's kernel log; was it paused, or out of CPU?"),
    Rule("guest_clock", INVALID, ran.length,
         "by the guest's own clock, which nobody can set, fio ran less than "
         f"{100 * ran.RUNTIME_SHARE:.0f} % of what ramp and runtime of all phases take",
         "look at the guest's clocksource"),
    Rule("other_block_size", INVALID, ran.block_size,
         "bytes for each I/O are not those of the job's block sizes, beyond what can be in flight",
         _WHO_CHANGED),
    Rule("other_direction", INVALID, ran.directions,
         "I/Os of a direction that the job does not do; or the share of reads in a mix is off by more than "
         f"{100 * ran.MIX_SHARE:.0f} % + {ran.MIX_SPREADS:.0f} standard deviations of chance",
         _WHO_CHANGED),
    Rule("phases_overlap", INVALID, ran.phases,
         "a phase began before the one before it was over (fio 3.36 and newer says when)",
         "take `startdelay` out of the profile, or report the job file"),
    Rule("failed_ios", INVALID, ran.failed_ios,
         "`total_err`: I/Os failed, and fio went on and counted them",
         "look at the guest's kernel log and at the health of the pool"),
    Rule("fio_message", INVALID, ran.messages,
         "fio said that it does not run the job as written, or not to its end (docs/fio.md: What fio says)",
         "see fio's log in the run's folder"),
    Rule("unlike_guests", SUSPECT, ran.alike,
         "the guests of the group have different versions of fio or of the kernel",
         "make all VMs of one image; name guest.packages with versions"),
    # -- the bytes went to the disk under test
    Rule("wrong_disk", INVALID, disks.fio_disks,
         "by fio's `disk_util` the I/O went to another disk: the data disk is not in it, did nothing, or did "
         f"less than 1/{disks.OTHER_DISK} of another's I/Os",
         "look at the disks and mounts of the guest"),
    Rule("bytes_missing", EITHER, witnessed,
         "by the counters of the guest's kernel the data disk did 2 % less than fio counts: a cache, a "
         "memory or unwritten extents answered; suspect: less than fio's count and a ramp of half the pace",
         "see what the profile works on, and whether its files hold data"),
    Rule("other_disk_worked", INVALID, witnessed,
         "less than fio counts, and another disk of the guest did half of what is missing, or more",
         "see what is mounted in the guest, and where the profile's files are"),
    Rule("foreign_io", EITHER, witnessed,
         "the data disk did more than fio with a ramp of twice the pace, a commit's log, the layout of its"
         " own files and 16 MiB explain; invalid if that is more than fio itself did",
         "see who else uses the disk in the guest; if nobody does, raise `ramp`: it was faster than the "
         "rest"),
    Rule("disk_changed", INVALID, witnessed,
         "number, size or serial of the data disk, or what is mounted from it, is not after fio what it "
         "was before",
         "see the guest's console: a disk was detached, or failed"),
    Rule("other_disk_busy", SUSPECT, witnessed,
         "another disk of the guest moved more than 64 MiB while fio ran, and more than 5 % of fio's bytes",
         "see what the guest's system does: updates, logs"),
    Rule("swapped", SUSPECT, witnessed,
         "the guest swapped while fio ran",
         "give the VM more memory"),
    Rule("cpu_stolen", SUSPECT, stolen_cpu,
         f"the host did not give the guest more than {100 * MOST_STOLEN:.0f} % of its CPUs' time",
         "look what else runs on the node; ask for dedicated CPUs"),
    Rule("no_witness", SUSPECT, witnessed,
         "what the guest saw of its disks is missing, or can not be read",
         "see `/run/odfperf/witness` in the guest"),
    Rule("data_shrinks", SUSPECT, shrinking_data,
         "a job writes, or lays out itself, data that can be made smaller: `zero_buffers`, "
         "`buffer_pattern`, `buffer_compress_percentage`, `dedupe_percentage`, or `scramble_buffers=0` "
         "without `refill_buffers`",
         "take these options out, if it is not such data that is to be measured"),
    # -- the figures agree with each other
    Rule("littles_law", EITHER, figures.littles_law,
         f"rate x mean latency is off by more than {100 * figures.LITTLE_SUSPECT:.0f} % (invalid: "
         f"{100 * figures.LITTLE_INVALID:.0f} %) of the I/Os that can be in flight: iodepth x numjobs, less "
         "only where a rate, pauses, syncs or batches hold the job back; what the ends of a short run, the "
         f"worker's CPU and {1e6 * figures.BETWEEN_IOS_S:.0f} µs between two I/Os explain is allowed",
         _LOOK_ANSWER),
    Rule("counts_differ", INVALID, figures.counts,
         "`total_ios` and the latencies differ by more than numjobs x (iodepth + 1), or the log of "
         "completions has more I/Os than they",
         _LOOK_ANSWER),
    Rule("rates_differ", INVALID, figures.rates,
         "fio's `iops` or `bw_bytes` is off its own count / runtime by more than "
         f"{100 * figures.ROUNDING:.0f} %",
         _LOOK_ANSWER),
    Rule("histogram_differs", INVALID, figures.histograms,
         "the histogram is missing, or its sum, least, mean, largest or standard deviation is not the "
         "answer's, beyond the width of its buckets",
         _LOOK_ANSWER),
    Rule("percentiles_differ", INVALID, figures.percentiles,
         "fio's table of percentiles is not the histogram's, beyond a bucket",
         _LOOK_ANSWER),
    Rule("beyond_histogram", SUSPECT, figures.beyond_histogram,
         "I/Os took longer than the histogram reaches (17 s)",
         "look at the health of the pool: something stood still"),
    Rule("impossible_value", INVALID, figures.impossible,
         f"more than {figures.MOST_IOPS_OF_A_WORKER:,} IOPS for each worker, a mean latency below "
         f"{figures.LEAST_MEAN_LAT_NS / 1000:.0f} µs without the page cache, latencies that are not "
         "least ≤ mean ≤ largest, or a number that is none",
         "see what answers the I/Os: memory, a cache, unwritten blocks"),
    # -- the device can do this
    Rule("above_cap", INVALID, devices.caps,
         "IOPS or bandwidth of a volume, or of all VMs together, are more than "
         f"{100 * devices.BEYOND_SHARE:.0f} % (and {devices.BURST_S} s at the beginning) above a known cap: "
         "`caps` of the pool in the matrix, parameters or annotations of the StorageClass "
         "([more](storage-drivers.md#caps))",
         "correct the cap if it is wrong; else something before the device answers: a cache, unwritten "
         "blocks"),
    # -- the rate was held and steady
    Rule("stall", EITHER, steady,
         "nothing (or for three times as long a tenth or more of it not) completed for 1 s, in runs below 10 "
         "s for a tenth of the run; also if a fixed rate was made up for afterwards; invalid if it stood "
         "still for more than 20 % of the run",
         "see the storage's log of that time, and measure again"),
    Rule("hung_io", SUSPECT, steady,
         "an I/O took 10 % of the run or more (and 1 s), and more than 30 times p99, while others "
         "went on",
         "see the storage's log: slow requests, an OSD that hangs"),
    Rule("burst_then_cap", EITHER, steady,
         "fifths of the run differ by more than 20 % of the mean, or rise or fall by 10 %, and its rate "
         "clearly fell to a lower level within the first half and stayed there; invalid above 100 % apart",
         "raise `ramp` until the credit is used up; the cap is the figure that lasts"),
    Rule("warm_up", EITHER, steady,
         "the same limits, and its rate clearly rose at the beginning",
         "raise `ramp`"),
    Rule("drift", EITHER, steady,
         "the same limits, and its rate clearly rose or fell all the time",
         "measure longer; see whether a pool fills, heats or throttles"),
    Rule("outside_event", EITHER, steady,
         "the same limits, and its rate clearly changed at another time, for good or for a while",
         "see what else the storage did then: recovery, scrub, a neighbour; measure again"),
    Rule("noisy", SUSPECT, steady,
         "its rate varies by 15 % from moment to moment and its mean is known to no better than 3 %, or it "
         "is beyond the limits without a clear form and known to no better than 5 %",
         "measure longer, or repeat"),
    Rule("latency_changed", SUSPECT, latencies,
         "at a rate that the job asks for the mean latencies of the fifths of the run differ by more than "
         "their mean, and clearly changed or drifted",
         "see what else the storage did then, and whether the rate is near what it can do"),
    Rule("saturated", SUSPECT, open_loop,
         "less than 99 % of a rate that the job asks for (`rate_iops`, `rate`) was done",
         "ask for less: latencies above the capacity say how long the run was"),
    Rule("depth_exhausted", SUSPECT, open_loop,
         "more than 1 % of the I/Os of a job with a rate took as long as it takes to issue `iodepth` of them",
         "raise `iodepth`: what waits for a full queue has no latency"),
    # -- all guests measured the same thing
    Rule("starts_apart", EITHER, together,
         "the guests started 5 s apart, or have less than 95 % of the measured time in common (invalid: 90"
         " %; 0.1 s apart is nothing)",
         "see the guest's load, and `late_ms` of its record; measure again"),
    Rule("clock_set", SUSPECT, clocks,
         "a guest's clock was set by more than 1 s while fio ran",
         "measure when its time is kept"),
    Rule("clock_off", SUSPECT, clocks,
         "a guest's clock is off by more than 5 s by that of the machine that measures",
         "keep the time of both; what the figures say does not depend on it, what logs say of times does"),
    Rule("uneven_guests", EITHER, uneven,
         "the slowest guest has less than 50 % of the median guest's IOPS, or Jain's index of them is "
         "below 0.9; invalid below 10 %",
         "see the guests' own figures, nodes and series: is one of them throttled or elsewhere?"),
    # -- what ran beside it
    Rule("shared_backend", SUSPECT, look_beside,
         "another pool used the same devices for more than 1 % of the window, or its VMs booted from them "
         "for more than 10 %",
         "--odf-isolation backend, or measure these pools one after the other"),
    Rule("backend_unknown", SUSPECT, look_beside,
         "another pool, not known to be on other devices, was used for more than 1 % of the window; "
         "or another run was alive in the namespace, or had left VMs there",
         "name the devices: `backend` in the matrix, or the annotation odfperf/backend of the StorageClass"),
    # -- what the storage counted
    Rule("storage_saw_less", EITHER, storage.own_io,
         f"the pool counts less than the guests say, by more than {100 * storage.MARGIN:.0f} % and its "
         "counters' [lag](#the-storage-as-a-witness); "
         f"invalid below {100 * storage.HALF:.0f} %",
         "see what answers for the storage: a cache of the hypervisor, objects that were never written"),
    Rule("storage_saw_more", EITHER, storage.own_io,
         "the pool counts more than the guests can have done, with the lag of its counters, by more than "
         f"{100 * storage.MORE:.0f} % of what they did and {storage.MORE_BYTES_PER_S >> 20} MiB/s; invalid "
         "if by more than all they did",
         "see who else uses the pool: other VMs, snapshots, mirrors"),
    Rule("others_io", EITHER, storage.others,
         "clients used other pools of the storage on what may be the same devices: more than "
         f"{100 * storage.OTHERS:.0f} % of the guests' I/Os or bytes, and {storage.OTHERS_IOPS:.0f} a second "
         f"or {storage.OTHERS_BYTES_PER_S >> 20} MiB/s; invalid if more than the guests and ten times that",
         "measure when they rest, or give the pool a device class of its own"),
    Rule("recovery_ran", EITHER, storage.recovery,
         f"recovery moved more than {storage.RECOVERED_BYTES >> 20} MiB meanwhile; invalid if more than the "
         "guests",
         _WAIT),
    Rule("osd_lost", EITHER, daemons.lost,
         "an OSD went down or out or came back meanwhile, or was down with data on it; invalid: two or more "
         "at a time",
         _WAIT),
    Rule("osd_hung", EITHER, daemons.hung,
         f"an OSD that is up and had done {daemons.BUSY_OPS} operations and more did nothing, and all "
         "together less than half, PGs were laggy, or neither storage nor guests did anything; invalid for "
         f"more than {100 * daemons.STILL:.0f} % of the window",
         "see the OSD's log and its device"),
    # -- how the storage was
    Rule("storage_full", INVALID, look_at_health,
         "Ceph said meanwhile that it is full, so that writes stop",
         f"make room, and {_MEASURE_AGAIN}"),
    Rule("storage_away", INVALID, look_at_health,
         "Ceph said meanwhile that some of its data can not be reached",
         _WAIT),
    Rule("storage_recovering", SUSPECT, look_at_health,
         "Ceph said meanwhile that OSDs are down, copies are missing, or data moves",
         _WAIT),
    Rule("storage_nearly_full", SUSPECT, look_at_health,
         "Ceph said meanwhile that it is nearly full, or 85 % of its raw capacity were used",
         f"make room, and {_MEASURE_AGAIN}"),
    Rule("storage_slow", SUSPECT, look_at_health,
         "Ceph said meanwhile that operations, devices or its network are slow, or daemons are missing",
         _WAIT),
    Rule("storage_unhealthy", SUSPECT, look_at_health,
         "Ceph had a health check that no row of the table below knows, was not HEALTH_OK without a reason, "
         "or its operator did not reach it",
         f"see `ceph health detail`, and {_MEASURE_AGAIN}"),
    Rule("pgs_inactive", EITHER, look_at_pgs,
         "PGs were not active meanwhile, where that can be seen, so that I/O waits; invalid for more than "
         f"{100 * INACTIVE:.0f} % of the window",
         _WAIT),
    Rule("pgs_not_clean", SUSPECT, look_at_pgs,
         "PGs were not active and clean meanwhile, where that can be seen; also if Ceph said HEALTH_OK",
         _WAIT),
    Rule("storage_scrubbing", SUSPECT, look_at_pgs,
         "a PG was deep-scrubbed meanwhile, or more than 2 % of all were scrubbed, where that can be seen",
         f"`ceph osd set noscrub nodeep-scrub` for the time of the run, and {_MEASURE_AGAIN}"),
    Rule("pool_rebuilt", EITHER, look_at_pools,
         "the pool's Ceph object was deleted or made anew meanwhile (invalid), or no more Ready (suspect)",
         _MEASURE_AGAIN),
)  # fmt: skip

#: By code.
NEXT_STEPS: Mapping[str, str] = {rule.code: rule.next_step for rule in RULES}
