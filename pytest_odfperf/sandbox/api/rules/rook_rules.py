"""What objects of Rook may hold beyond their types: what its CRDs bound. The rest its operator refuses later.

Bounds are those of Rook's ``deploy/examples/crds.yaml``; words are those of kube-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import (
    Check,
    Problem,
    Rule,
    between,
    invalid,
    matches,
    unsupported,
)

_SIZE = r"^[0-9]+[\.]?[0-9]*([KMGTPE]i|[kMGTPE])?$"
_STRIPE_UNITS = ("4Ki", "16Ki", "64Ki", "256Ki", "1Mi")
_PATH = r"^/(\S+)"


def _at_least(least: int) -> Check:
    return between(least, None, f"{{at}} in body should be greater than or equal to {least}")


def _at_most(most: int) -> Check:
    return between(None, most, f"{{at}} in body should be less than or equal to {most}")


def _form(pattern: str) -> Check:
    return matches(pattern, f"{{at}} in body should match '{pattern}'")


def _stripe_unit(value: Any) -> Iterator[Problem]:
    if value not in _STRIPE_UNITS:
        yield unsupported(value, _STRIPE_UNITS)


def _not_empty(value: Any) -> Iterator[Problem]:
    if not value:
        yield invalid(value, "{at} in body should be at least 1 chars long")


def _erasure_coded(spec: Any) -> Iterator[Problem]:
    pair = ("crushNumFailureDomains", "crushOSDsPerFailureDomain")
    if len([name for name in pair if name in spec]) == 1:
        yield invalid("object", f"{' and '.join(pair)} must be specified together")


def _pool(path: str) -> tuple[Rule, ...]:
    """Rules of the pool at this path."""
    replicated, coded, quotas = f"{path}.replicated", f"{path}.erasureCoded", f"{path}.quotas"
    return (
        (f"{replicated}.size", _at_least(0)),
        (f"{replicated}.targetSizeRatio", _at_least(0)),
        (f"{replicated}.replicasPerFailureDomain", _at_least(1)),
        (f"{replicated}.hybridStorage.primaryDeviceClass", _not_empty),
        (f"{replicated}.hybridStorage.secondaryDeviceClass", _not_empty),
        (f"{coded}.codingChunks", _at_least(0)),
        (f"{coded}.dataChunks", _at_least(0)),
        (f"{coded}.stripeUnit", _stripe_unit),
        (f"{coded}.crushNumFailureDomains", _at_least(1)),
        (f"{coded}.crushOSDsPerFailureDomain", _at_least(1)),
        (coded, _erasure_coded),
        (f"{quotas}.maxSize", _form(_SIZE)),
    )


_SERVER = "spec.metadataServer"
ROOK_RULES: Mapping[str, tuple[Rule, ...]] = {
    "CephCluster": (("spec.dataDirHostPath", _form(_PATH)),),
    "CephBlockPool": _pool("spec"),
    "CephFilesystem": (
        *_pool("spec.metadataPool"),
        *_pool("spec.dataPools[*]"),
        (f"{_SERVER}.activeCount", _at_least(1)),
        (f"{_SERVER}.activeCount", _at_most(50)),
        *(
            rule
            for field in ("cacheMemoryLimitFactor", "cacheMemoryRequestFactor")
            for rule in ((f"{_SERVER}.{field}", _at_least(0)), (f"{_SERVER}.{field}", _at_most(1)))
        ),
    ),
}
