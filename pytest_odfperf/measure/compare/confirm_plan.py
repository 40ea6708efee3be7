"""In which order flagged keys and their controls are measured again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_odfperf.matrix.keys import Key

CONFIRM_REPEATS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPlan:
    """What is measured again. ``controls`` are by flagged key; ``left_over`` were flagged beyond the cap."""

    flagged: tuple[Key, ...]
    controls: Mapping[Key, tuple[Key, ...]]
    #: Flagged figures whose baseline decides nothing, and why.
    not_gateable: Mapping[Key, str]
    left_over: tuple[Key, ...] = ()

    @property
    def blocks(self) -> list[list[Key]]:
        """The order: each block has each key once, every other one is reversed (ABBA).

        Keys of one VM group stay together, so that a block makes each group once.
        """
        controls = list(dict.fromkeys(key for keys in self.controls.values() for key in keys))
        groups: dict[object, tuple[list[Key], list[Key]]] = {}
        for number, keys in enumerate((list(self.flagged), controls)):
            for key in keys:
                groups.setdefault(key.group, ([], []))[number].append(key)
        order = [key for own, others in groups.values() for key in _in_turn(own, others)]
        return [order if number % 2 == 0 else order[::-1] for number in range(CONFIRM_REPEATS)]


def _in_turn(flagged: list[Key], controls: list[Key]) -> list[Key]:
    """Controls spread evenly among the flagged."""
    places = [
        ((number + 0.5) / len(keys), key) for keys in (flagged, controls) for number, key in enumerate(keys)
    ]
    return [key for _, key in sorted(places, key=lambda place: place[0])]
