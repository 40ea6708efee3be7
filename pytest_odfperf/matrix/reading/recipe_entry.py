"""``recipe:`` of a pool: from marked values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.reading import fields
from pytest_odfperf.matrix.reading.yaml_marks import Marked
from pytest_odfperf.matrix.values.recipe import Compression, MdsSettings, Recipe, RecipeKind

KINDS = ("CephBlockPool", "CephFilesystem")
COMPRESSIONS = ("none", "passive", "aggressive", "force")
#: Ceph's own kinds of CRUSH buckets that something can fail by.
FAILURE_DOMAINS = (
    "osd",
    "host",
    "chassis",
    "rack",
    "row",
    "pdu",
    "pod",
    "room",
    "datacenter",
    "zone",
    "region",
)
#: What ceph-csi takes as ``imageFeatures``, with what each needs.
IMAGE_FEATURES: Mapping[str, str | None] = {
    "layering": None,
    "deep-flatten": None,
    "exclusive-lock": None,
    "object-map": "exclusive-lock",
    "fast-diff": "object-map",
    "journaling": "exclusive-lock",
}
_BOTH = (
    "kind", "name", "namespace", "replicas", "require_safe_replica_size", "failure_domain", "device_class",
    "target_size_ratio", "compression", "pg_num", "parameters", "quota",
)  # fmt: skip
_ONLY_OF: Mapping[str, tuple[str, ...]] = {
    "CephBlockPool": (
        "data_chunks", "coding_chunks", "metadata_pool", "image_features", "map_options", "encryption_kms_id",
    ),
    "CephFilesystem": ("metadata_replicas", "mds", "second_filesystem"),
}  # fmt: skip
RECIPE = (*_BOTH, *_ONLY_OF["CephBlockPool"], *_ONLY_OF["CephFilesystem"])
MDS = ("active", "standby", "cpus", "memory")
QUOTA = ("max_size", "max_objects")

#: Parameters of a Ceph pool that are said by a field, or by nobody.
_SAID_OTHERWISE: Mapping[str, str] = {
    "size": "replicas",
    "pg_num": "pg_num",
    "pgp_num": "pg_num",
    "target_size_ratio": "target_size_ratio",
    "compression_mode": "compression",
    "quota_max_bytes": "quota",
    "quota_max_objects": "quota",
}
_MOST_COPIES, _MOST_CHUNKS, _MOST_PGS = 10, 32, 65_536
_LARGEST_BYTES = 1 << 60
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_PARAMETER = re.compile(r"[a-z][a-z0-9_-]{0,99}", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9._:+-]{1,100}", re.ASCII)
_OPTIONS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:,;=-]{0,252}", re.ASCII)


def read_recipe(item: Marked, pool: str) -> Recipe:
    """The recipe of ``pool``, its name. Raises `InputError` with the line."""
    what = f"recipe of pool {pool!r}"
    values = fields.fields(item, what, RECIPE, required=("kind",))
    kind = cast(RecipeKind, fields.choice(values["kind"], f"{what}: kind", KINDS))
    for other, names in _ONLY_OF.items():
        for name in names:
            if other != kind and name in values:
                raise InputError(
                    f"{what}: {name} is of a {other}, not of a {kind}", place=item.key_place(name)
                )
    read: dict[str, Any] = {"kind": kind, "place": item.place if item.line else item.source}
    for name, check in (
        ("name", fields.subdomain),
        ("namespace", fields.dns_label),
        ("metadata_pool", fields.subdomain),
    ):
        if name in values:
            read[name] = check(values[name], f"{what}: {name}")
    read |= _redundancy(values, item, what)
    read |= _placement(values, what) | _groups(values, item, what) | _class(values, what)
    if "quota" in values:
        read |= _quota(values["quota"], what)
    if "metadata_replicas" in values:
        read["metadata_replicas"] = fields.whole(
            values["metadata_replicas"], f"{what}: metadata_replicas", 1, _MOST_COPIES
        )
    if "mds" in values:
        read["mds"] = _mds(values["mds"], what)
    recipe = Recipe(**read)
    if recipe.makes and recipe.name is None:
        fields.check_subdomain(f"{what} has no name, and the pool's own", pool, place=item.place)
    _check_least_copies(recipe, values, what)
    if recipe.metadata_pool is not None and recipe.chunks is None:
        raise InputError(
            f"{what}: metadata_pool is of an erasure coded pool, and it has no data_chunks",
            place=item.key_place("metadata_pool"),
        )
    return recipe


def _redundancy(values: Mapping[str, Marked], item: Marked, what: str) -> dict[str, Any]:
    chunks = [name for name in ("data_chunks", "coding_chunks") if name in values]
    if "replicas" in values and chunks:
        raise InputError(
            f"{what} has replicas and {chunks[0]}: a pool is replicated or erasure coded",
            place=item.key_place(chunks[0]),
        )
    if len(chunks) == 1:
        missing = "coding_chunks" if chunks == ["data_chunks"] else "data_chunks"
        raise InputError(f"{what} has {chunks[0]} and no {missing}", place=item.key_place(chunks[0]))
    read: dict[str, Any] = {}
    for name, low, high in (
        ("replicas", 1, _MOST_COPIES),
        # Ceph's erasure code profiles begin at k=2.
        ("data_chunks", 2, _MOST_CHUNKS),
        ("coding_chunks", 1, _MOST_CHUNKS),
    ):
        if name in values:
            read[name] = fields.whole(values[name], f"{what}: {name}", low, high)
    for name in ("require_safe_replica_size", "second_filesystem"):
        if name in values:
            read[name] = fields.truth(values[name], f"{what}: {name}")
    if read.get("require_safe_replica_size") is False and read.get("replicas") != 1:
        raise InputError(
            f"{what}: require_safe_replica_size: false is the word for replicas: 1 only",
            place=item.key_place("require_safe_replica_size"),
        )
    return read


def _placement(values: Mapping[str, Marked], what: str) -> dict[str, Any]:
    read: dict[str, Any] = {}
    if "failure_domain" in values:
        read["failure_domain"] = fields.choice(
            values["failure_domain"], f"{what}: failure_domain", FAILURE_DOMAINS
        )
    if "device_class" in values:
        read["device_class"] = _matching(
            values["device_class"], f"{what}: device_class", _WORD, "a device class"
        )
    if "target_size_ratio" in values:
        read["target_size_ratio"] = fields.number(
            values["target_size_ratio"], f"{what}: target_size_ratio", 0.0, 1.0
        )
    if "compression" in values:
        read["compression"] = cast(
            Compression, fields.choice(values["compression"], f"{what}: compression", COMPRESSIONS)
        )
    return read


def _groups(values: Mapping[str, Marked], item: Marked, what: str) -> dict[str, Any]:
    read: dict[str, Any] = {}
    if "pg_num" in values:
        read["pg_num"] = number = fields.whole(values["pg_num"], f"{what}: pg_num", 1, _MOST_PGS)
        if number & (number - 1):
            raise InputError(
                f"{what}: pg_num {number} is no power of two, so its PGs would be of unlike sizes",
                place=values["pg_num"].place,
            )
        if "target_size_ratio" in values:
            raise InputError(
                f"{what} has pg_num and target_size_ratio, which is for the autoscaler",
                place=item.key_place("target_size_ratio"),
            )
    if "parameters" in values:
        read["parameters"] = _parameters(values["parameters"], "pg_num" in values, f"{what}: parameters")
    return read


def _parameters(item: Marked, fixed: bool, what: str) -> dict[str, str]:
    read: dict[str, str] = {}
    for name, value in fields.mapping(item, what).items():
        place = item.key_place(name)
        if not _PARAMETER.fullmatch(name):
            raise InputError(f"{what}: {name!r:.60} is no name of a setting of a Ceph pool", place=place)
        if (said := _SAID_OTHERWISE.get(name)) is not None:
            raise InputError(f"{what}: {name} is said by the field {said}", place=place)
        if name == "pg_autoscale_mode" and fixed:
            raise InputError(f"{what}: {name} is off with pg_num", place=place)
        if isinstance(value.value, dict | list | None):
            raise fields.wrong(value, f"{what}: {name}", "a text or a number")
        # As written: YAML made `on` and `yes` something else, and Ceph takes words.
        if not _VALUE.fullmatch(value.text):
            raise InputError(
                f"{what}: {name}: {value.text[:60]!r} is no value of such a setting", place=value.place
            )
        read[name] = value.text
    return read


def _check_least_copies(recipe: Recipe, values: Mapping[str, Marked], what: str) -> None:
    """Ceph's bounds of ``min_size``: from one copy to all, of chunks from as many as data has."""
    said = recipe.parameters.get("min_size")
    if said is None or not recipe.makes:
        return
    data, coding = recipe.chunks or (1, (recipe.replicas or 1) - 1)
    if not (said.isdecimal() and data <= int(said) <= data + coding):
        raise InputError(
            f"{what}: parameters: min_size {said} is not from {data} to {data + coding}, with "
            f"{recipe.redundancy}",
            place=values["parameters"].place,
        )


def _quota(item: Marked, what: str) -> dict[str, int]:
    values = fields.fields(item, f"quota of {what}", QUOTA)
    read = {}
    if "max_size" in values:
        read["quota_bytes"] = fields.quantity_bytes(
            values["max_size"], f"{what}: quota max_size", 1 << 20, _LARGEST_BYTES
        )
    if "max_objects" in values:
        read["quota_objects"] = fields.whole(values["max_objects"], f"{what}: quota max_objects", 1, 1 << 60)
    return read


def _mds(item: Marked, what: str) -> MdsSettings:
    values = fields.fields(item, f"mds of {what}", MDS)
    read: dict[str, Any] = {}
    if "active" in values:
        read["active"] = fields.whole(values["active"], f"{what}: mds active", 1, 64)
    if "standby" in values:
        read["standby"] = fields.truth(values["standby"], f"{what}: mds standby")
    if "cpus" in values:
        read["cpus"] = fields.number(values["cpus"], f"{what}: mds cpus", 0.1, 256)
    if "memory" in values:
        read["memory_bytes"] = fields.quantity_bytes(
            values["memory"], f"{what}: mds memory", 256 << 20, _LARGEST_BYTES
        )
    return MdsSettings(**read)


def _class(values: Mapping[str, Marked], what: str) -> dict[str, Any]:
    """What the StorageClass says."""
    read: dict[str, Any] = {}
    if "image_features" in values:
        entry = values["image_features"]
        features = fields.each(
            entry,
            f"{what}: image_features",
            "image feature",
            lambda one, of: fields.choice(one, of, list(IMAGE_FEATURES)),
        )
        for feature in features:
            if (needed := IMAGE_FEATURES[feature]) is not None and needed not in features:
                raise InputError(f"{what}: image feature {feature} needs {needed}", place=entry.place)
        read["image_features"] = features
    for name, form, expected in (
        ("map_options", _OPTIONS, "options of rbd map, such as krbd:rxbounce"),
        ("encryption_kms_id", _WORD, "the id of a key management service"),
    ):
        if name in values:
            read[name] = _matching(values[name], f"{what}: {name}", form, expected)
    return read


def _matching(item: Marked, what: str, form: re.Pattern[str], expected: str) -> str:
    value = fields.text(item, what)
    if not form.fullmatch(value):
        raise InputError(f"{what} {value[:60]!r} is not {expected}", place=item.place)
    return value
