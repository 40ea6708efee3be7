"""How pools are ranked: from marked values."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.model import RankingSettings
from pytest_odfperf.matrix.reading import fields
from pytest_odfperf.matrix.reading.yaml_marks import Marked

#: Of a weight. One profile that counts a thousand times more leaves nothing of the others.
LEAST, MOST = 0.001, 1000.0


def read_ranking(item: Marked, profiles: Sequence[str]) -> RankingSettings:
    """``ranking:``; ``profiles`` are those of the matrix, variants among them."""
    values = fields.fields(item, "ranking", ("weights",), required=("weights",))
    weights = fields.mapping(values["weights"], "ranking weights")
    if not weights:
        raise InputError(
            "ranking weights is empty; name a profile and its weight", place=values["weights"].place
        )
    for name in weights:
        if name not in profiles:
            raise InputError(
                f"ranking weights: profile {name[:60]!r} is not declared"
                f"{fields.did_you_mean(name, profiles)}",
                place=values["weights"].key_place(name),
            )
    return RankingSettings(
        weights={
            name: fields.number(weight, f"ranking weight of {name}", LEAST, MOST)
            for name, weight in weights.items()
        }
    )
