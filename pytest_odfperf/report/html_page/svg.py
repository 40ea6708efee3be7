"""One picture per profile: the pools below each other, a panel per block size, a bar per direction.

Bars begin at zero on a linear scale, and each carries its figure, so that small ones can be read too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from pytest_odfperf.matrix.keys import NATIVE
from pytest_odfperf.matrix.reading.fields import parse_fio_bytes
from pytest_odfperf.measure.aggregate import DirectionMeasurement
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.number import MEBI, short
from pytest_odfperf.report.parts import Part, middle_repeat, shown_parts

#: From this block size on a pool is judged by its bandwidth.
BANDWIDTH_FROM_BYTES = 1 << 20

_PANEL_WIDTH = 300
_BAR_WIDTH = 215
_BAR_HEIGHT = 11
_ROW_HEIGHT = 2 * _BAR_HEIGHT + 14
_TOP = 66
_BOTTOM = 42

#: Behind the figure of a suspect result.
_SUSPECT = " (suspect)"

Shape = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class _Panel:
    block_size: str
    #: Of a profile with unlike sections; else empty.
    section: str
    unit: str
    records: dict[str, Record]

    def part(self, record: Record | None) -> Part | None:
        """The figures of this panel; None if there are none."""
        found = shown_parts(record) if record else []
        return next((part for part in found if part.name == self.section and (part.read or part.write)), None)

    def value(self, part: DirectionMeasurement) -> float:
        return part.bw_bytes_per_s / MEBI if self.unit == "MiB/s" else part.iops_per_s

    @property
    def ticks(self) -> list[float]:
        shown = [self.part(record) for record in self.records.values()]
        parts = [part for one in shown if one for part in (one.read, one.write) if part]
        return ticks(max((self.value(part) for part in parts), default=0.0))


def ticks(largest: float) -> list[float]:
    """Round numbers from 0 to at least ``largest``, four or five steps at the most."""
    if largest <= 0:
        return [0.0, 1.0]
    scale = 10.0 ** math.floor(math.log10(largest / 4))
    step = next(scale * factor for factor in (1, 2, 2.5, 5, 10, 20) if scale * factor * 5 >= largest)
    return [step * number for number in range(math.ceil(largest / step - 1e-9) + 1)]


def common_shape(records: Sequence[Record]) -> Shape:
    """The VM size, PVC size and number of VMs that most pools were measured with; of several the first."""
    pools: dict[Shape, set[str]] = {}
    for record in records:
        pools.setdefault((record.key.size, record.key.pvc, record.key.concurrency), set()).add(
            record.key.pool
        )
    return max(pools, key=lambda shape: len(pools[shape]))


def profile_pictures(records: Sequence[Record]) -> list[tuple[str, str]]:
    """(profile, SVG) of each profile that has figures.

    Only cells of one VM size, PVC size and concurrency can be compared in one picture: those that most
    pools have. The picture says which.
    """
    pictures: list[tuple[str, str]] = []
    for profile in dict.fromkeys(record.key.profile for record in records):
        of_profile = [record for record in records if record.key.profile == profile]
        measured = [record for record in of_profile if shown_parts(record)]
        if not measured:
            continue
        shape = common_shape(measured)
        shown = [r for r in of_profile if (r.key.size, r.key.pvc, r.key.concurrency) == shape]
        pictures.append((profile, _picture(f"odf-{len(pictures)}", profile, shape, shown)))
    return pictures


def _by_pool(records: Sequence[Record]) -> dict[str, Record]:
    """Of a key with repeats the one in the middle, of one that was measured again the later."""
    of_pool: dict[str, dict[int, Record]] = {}
    for record in records:
        of_pool.setdefault(record.key.pool, {})[record.repeat] = record
    return {pool: middle_repeat(list(repeats.values())) for pool, repeats in of_pool.items()}


def _picture(name: str, profile: str, shape: Shape, records: Sequence[Record]) -> str:
    pools = list(dict.fromkeys(record.key.pool for record in records))
    sizes = sorted({record.key.block_size for record in records}, key=lambda text: parse_fio_bytes(text) or 0)
    panels = [
        _Panel(
            size,
            section,
            "MiB/s" if (parse_fio_bytes(size) or 0) >= BANDWIDTH_FROM_BYTES else "IOPS",
            _by_pool([record for record in records if record.key.block_size == size]),
        )
        for size in sizes
        for section in _sections(record for record in records if record.key.block_size == size)
    ]
    left = min(260, 24 + 7 * max(map(len, pools)))
    width = max(620, left + _PANEL_WIDTH * len(panels))
    height = _TOP + _ROW_HEIGHT * len(pools) + _BOTTOM
    marking = Counter(record.marking for record in records if record.marking)
    marked = "".join(f" - {text}" for text in marking)
    vms = "1 VM" if shape[2] == 1 else f"{shape[2]} VMs, summed"
    title = f"{profile}: {shape[0]} VM, {shape[1]} PVC, {vms}{marked}"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" class="odf-picture" role="img" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'aria-labelledby="{name}-title {name}-desc">',
        f'<title id="{name}-title">{escape(title)}</title>',
        f'<desc id="{name}-desc">{escape(_description(panels))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="odf-paper" width="{width}" height="{height}"/>',
        f'<text class="odf-head" x="12" y="22">{escape(title)}</text>',
        '<rect class="odf-read" x="12" y="33" width="11" height="11"/>'
        '<text x="28" y="43">read (R)</text>'
        '<rect class="odf-write" x="92" y="33" width="11" height="11"/>'
        '<text x="108" y="43">write (W)</text>',
    ]
    for row, pool in enumerate(pools):
        y = _TOP + _ROW_HEIGHT * row + _ROW_HEIGHT / 2
        shown = pool if len(pool) <= 33 else f"{pool[:32]}…"
        parts.append(
            f'<text class="odf-pool" x="{left - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(shown)}</text>'
        )
    for number, panel in enumerate(panels):
        parts += _draw_panel(panel, pools, left + _PANEL_WIDTH * number)
    return "".join([*parts, "</svg>"])


def _sections(records: Iterable[Record]) -> list[str]:
    """The names of sections that read or write and are shown apart; one without a name where none are."""
    parts = [part for record in records for part in shown_parts(record)]
    return list(dict.fromkeys(part.name for part in parts if part.read or part.write)) or [""]


def _draw_panel(panel: _Panel, pools: Sequence[str], left: int) -> list[str]:
    bottom = _TOP + _ROW_HEIGHT * len(pools)
    scale = panel.ticks
    native = panel.block_size == NATIVE
    name = "fixed block sizes" if native else f"block size {panel.block_size}"
    if panel.section:
        name = panel.section if native else f"{panel.section}, {panel.block_size}"
    parts = [f'<text class="odf-sub" x="{left}" y="{_TOP - 6}">{escape(name)}</text>']
    for tick in scale:
        x = left + _BAR_WIDTH * tick / scale[-1]
        parts.append(f'<line class="odf-grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>')
        parts.append(
            f'<text class="odf-tick" x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{_tick(tick)}</text>'
        )
    parts.append(
        f'<text class="odf-tick" x="{left + _BAR_WIDTH / 2}" y="{bottom + 33}" text-anchor="middle">'
    )
    parts.append(f"{panel.unit}</text>")
    for row, pool in enumerate(pools):
        y = _TOP + _ROW_HEIGHT * row + 7.0
        record = panel.records.get(pool)
        part = panel.part(record)
        if record is None or part is None:
            why = "not run" if record is None else record.status if record.usable else "invalid"
            middle = f'x="{left + 4}" y="{y + _BAR_HEIGHT + 4:.1f}"'
            parts.append(f'<text class="odf-none" {middle}>no result ({why})</text>')
            continue
        bars = [("read", "R", part.read), ("write", "W", part.write)]
        present = [(kind, letter, one) for kind, letter, one in bars if one]
        y += (2 - len(present)) * _BAR_HEIGHT / 2
        for kind, letter, one in present:
            value = panel.value(one)
            length = _BAR_WIDTH * value / scale[-1]
            parts.append(
                f'<rect class="odf-{kind}" x="{left}" y="{y:.1f}" width="{max(length, 1):.1f}" '
                f'height="{_BAR_HEIGHT - 1}"/>'
                f'<text class="odf-value" x="{left + length + 5:.1f}" y="{y + 9:.1f}">'
                f"{letter} {short(value)}{_SUSPECT if record.verdict == 'suspect' else ''}</text>"
            )
            y += _BAR_HEIGHT
    return parts


def _tick(value: float) -> str:
    """A round number without the zeros that say nothing."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _description(panels: Sequence[_Panel]) -> str:
    said = []
    for panel in panels:
        for pool, record in panel.records.items():
            shown = panel.part(record)
            parts = [("read", shown.read), ("write", shown.write)] if shown else []
            figures = [f"{kind} {short(panel.value(one))} {panel.unit}" for kind, one in parts if one]
            where = f"{panel.block_size} ({panel.section})" if panel.section else panel.block_size
            doubtful = _SUSPECT if figures and record.verdict == "suspect" else ""
            said.append(f"{pool} at {where}: {', '.join(figures) or 'no result'}{doubtful}")
    return "; ".join(said)


# Colours of Okabe and Ito, told apart by all readers; the letters say it again.
_STYLE = (
    ".odf-picture{font:12px system-ui,sans-serif}.odf-picture text{fill:#222}"
    ".odf-picture .odf-paper{fill:#fff}.odf-picture .odf-head{font-size:14px;font-weight:600}"
    ".odf-picture .odf-sub{font-weight:600}.odf-picture .odf-tick{fill:#555;font-size:11px}"
    ".odf-picture .odf-none{fill:#666;font-style:italic}.odf-picture .odf-grid{stroke:#ddd}"
    ".odf-picture .odf-value{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px}"
    ".odf-picture .odf-read{fill:#0072b2}.odf-picture .odf-write{fill:#d55e00}"
    "@media (prefers-color-scheme:dark){.odf-picture text{fill:#eee}.odf-picture .odf-paper{fill:#1c1f26}"
    ".odf-picture .odf-tick,.odf-picture .odf-none{fill:#b8bcc4}.odf-picture .odf-grid{stroke:#3a3f4a}"
    ".odf-picture .odf-value{stroke:#1c1f26}"
    ".odf-picture .odf-read{fill:#56b4e9}.odf-picture .odf-write{fill:#e69f00}}"
)
