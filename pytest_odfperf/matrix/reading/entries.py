"""The pools, sizes and profiles of a matrix: from marked values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import NATIVE, check_name
from pytest_odfperf.matrix.model import Only, Pool, Profile, PvcSize, VmSettings, VmSize
from pytest_odfperf.matrix.reading import fields
from pytest_odfperf.matrix.reading.machine_fields import read_machine
from pytest_odfperf.matrix.reading.recipe_entry import read_recipe
from pytest_odfperf.matrix.reading.settings import read_block_sizes, read_lists, read_number, read_target
from pytest_odfperf.matrix.reading.vm_settings import read_api_name, read_vm
from pytest_odfperf.matrix.reading.yaml_marks import Marked
from pytest_odfperf.matrix.template import uses
from pytest_odfperf.matrix.values.caps import CAPS
from pytest_odfperf.matrix.variants import LISTED, Lists, check_different, variants

#: Reads the template of a profile: its entry, its name, and the ``template`` field if it has one.
ReadTemplate = Callable[[Marked, str, str | None], str]

POOL = (
    "name", "storage_class", "volume_mode", "backend", "overhead", "recipe", "allow_not_ready", "only", "vm",
    "target", "caps",
)  # fmt: skip
VM_SIZE = ("vcpus", "memory", "instancetype", "vm", "machine", "image")
ONLY = ("vm_sizes", "pvc_sizes", "concurrency", "profiles")
PROFILE = ("name", "template", "block_sizes", *LISTED)
VOLUME_MODES: Mapping[str, Literal["Block", "Filesystem"] | None] = {
    "Block": "Block",
    "Filesystem": "Filesystem",
    "from-provisioner": None,
}

MOST_VMS = 1000
_LARGEST_BYTES = 1 << 60
#: Less can not boot; and ``memory: 4`` is a forgotten ``Gi``.
_LEAST_MEMORY = 64 << 20
_LEAST_PVC = 16 << 20


def read_vm_sizes(item: Marked) -> tuple[VmSize, ...]:
    """``vm_sizes:``, a mapping of labels."""
    values = fields.mapping(item, "vm_sizes")
    if not values:
        raise InputError("vm_sizes is empty; name at least one", place=item.place)
    sizes = []
    for label, entry in values.items():
        what = f"VM size {label!r}"
        check_name("VM size", label, place=item.key_place(label))
        size = fields.fields(entry, what, VM_SIZE, required=("vcpus", "memory"))
        vm = read_vm(size["vm"], what) if "vm" in size else VmSettings()
        sizes.append(
            VmSize(
                label=label,
                vcpus=fields.whole(size["vcpus"], f"{what}: vcpus", 1, 1024),
                memory_bytes=fields.quantity_bytes(
                    size["memory"], f"{what}: memory", _LEAST_MEMORY, _LARGEST_BYTES
                ),
                instancetype=read_api_name(size["instancetype"], f"{what}: instancetype", "instancetype")
                if "instancetype" in size
                else None,
                vm=vm,
                **read_machine(size, what, vm, entry.place),
            )
        )
    return tuple(sizes)


def read_pvc_sizes(item: Marked) -> tuple[PvcSize, ...]:
    """``pvc_sizes:``, a list of quantities that are their own labels."""
    sizes: dict[int, PvcSize] = {}
    for entry in fields.items(item, "pvc_sizes"):
        label = check_name("PVC size", fields.written(entry, "PVC size"), place=entry.place)
        size = fields.quantity_bytes(entry, "PVC size", _LEAST_PVC, _LARGEST_BYTES)
        if size in sizes:
            same = "is there twice" if sizes[size].label == label else f"is the same as {sizes[size].label!r}"
            raise InputError(f"PVC size {label!r} {same}", place=entry.place)
        sizes[size] = PvcSize(label=label, size_bytes=size)
    return tuple(sizes.values())


def read_concurrency(item: Marked) -> tuple[int, ...]:
    """``concurrency:``, numbers of VMs."""
    return fields.each(
        item, "concurrency", "concurrency", lambda entry, what: fields.whole(entry, what, 1, MOST_VMS)
    )


def read_profiles(
    item: Marked, usual: tuple[str, ...] | None, lists: Lists, template: ReadTemplate
) -> tuple[Profile, ...]:
    """``profiles:``, names or mappings; ``usual`` and ``lists`` hold for those that say nothing themselves.

    Each number of a list gives a variant of its own, see `variants`.
    """
    profiles: dict[str, tuple[Profile, ...]] = {}
    for entry in fields.items(item, "profiles"):
        values = {"name": entry} if isinstance(entry.value, str) else None
        values = values or fields.fields(entry, "profile", PROFILE, required=("name",))
        name = fields.name(values["name"], "profile")
        if name in profiles:
            raise InputError(f"profile {name!r} is there twice", place=entry.place)
        path = (
            fields.text(values["template"], f"template of profile {name}") if "template" in values else None
        )
        text = template(values.get("template", entry), name, path)
        profile = Profile(
            name=name,
            template=text,
            block_sizes=_block_sizes(entry, name, text, values, usual),
            iodepth=_number("iodepth", name, text, values),
            numjobs=_number("numjobs", name, text, values),
            path=path,
        )
        profiles[name] = variants(profile, {**lists, **read_lists(values, f"profile {name}")})
        for variant in profiles[name]:
            check_name("profile", variant.name, place=entry.place)
        check_different((one for found in profiles.values() for one in found), place=entry.place)
    return tuple(one for found in profiles.values() for one in found)


def _number(setting: str, name: str, template: str, values: Mapping[str, Marked]) -> int | None:
    """The profile's own iodepth or numjobs, where it is a single number."""
    if setting not in values:
        return None
    variable, _ = LISTED[setting]
    if not uses(template, variable):
        raise InputError(
            f"profile {name!r} has {setting}, but its template does not use ${{{variable}}}",
            place=values[setting].place,
        )
    if isinstance(values[setting].value, list):
        return None
    return read_number(values[setting], f"{setting} of profile {name}", setting)


def _block_sizes(
    entry: Marked, name: str, template: str, values: Mapping[str, Marked], usual: tuple[str, ...] | None
) -> tuple[str, ...]:
    own = values.get("block_sizes")
    if not uses(template, "BLOCK_SIZE"):
        if own is not None:
            raise InputError(
                f"profile {name!r} has block_sizes, but its template does not use ${{BLOCK_SIZE}}",
                place=own.place,
            )
        return (NATIVE,)
    if own is not None:
        return read_block_sizes(own, f"block_sizes of profile {name}")
    if usual is None:
        raise InputError(
            f"profile {name!r} needs block sizes: give block_sizes to it or to the matrix", place=entry.place
        )
    return usual


def read_pools(item: Marked, declared: Mapping[str, Sequence[Any]]) -> tuple[Pool, ...]:
    """``pools:``, names or mappings; ``declared`` are the values that ``only`` may name."""
    pools: dict[str, Pool] = {}
    for entry in fields.items(item, "pools"):
        pool = _pool(entry, declared)
        if pool.name in pools:
            raise InputError(f"pool {pool.name!r} is there twice", place=entry.place)
        pools[pool.name] = pool
    return tuple(pools.values())


def _pool(entry: Marked, declared: Mapping[str, Sequence[Any]]) -> Pool:
    values = {"name": entry} if isinstance(entry.value, str) else None
    values = values or fields.fields(entry, "pool", POOL, required=("name",))
    name = fields.name(values["name"], "pool")
    what = f"pool {name!r}"
    mode = values.get("volume_mode")
    overhead = values.get("overhead")
    recipe = read_recipe(values["recipe"], name) if "recipe" in values else None
    return Pool(
        name=name,
        # A pool is named by its StorageClass unless it says otherwise.
        storage_class=fields.subdomain(values.get("storage_class", values["name"]), f"{what}: storage_class"),
        volume_mode=VOLUME_MODES[fields.choice(mode, f"{what}: volume_mode", list(VOLUME_MODES))]
        if mode
        else None,
        backend=fields.name(values["backend"], f"{what}: backend") if "backend" in values else None,
        overhead=fields.number(overhead, f"{what}: overhead", 1, 100)
        if overhead
        else (recipe.copies if recipe else 1.0),
        recipe=recipe,
        allow_not_ready=fields.truth(values["allow_not_ready"], f"{what}: allow_not_ready")
        if "allow_not_ready" in values
        else False,
        only=_only(values["only"], what, declared) if "only" in values else Only(),
        vm=read_vm(values["vm"], what) if "vm" in values else VmSettings(),
        target=read_target(values["target"], f"{what}: target") if "target" in values else None,
        caps=_caps(values["caps"], what) if "caps" in values else {},
    )


def _caps(item: Marked, pool: str) -> dict[str, float]:
    values = fields.fields(item, f"caps of {pool}", CAPS)
    return {
        name: float(fields.quantity_bytes(entry, f"{pool}: {name}", 1, _LARGEST_BYTES))
        if name.endswith("bandwidth")
        else fields.number(entry, f"{pool}: {name}", 1, 1e9)
        for name, entry in values.items()
    }


def _only(item: Marked, pool: str, declared: Mapping[str, Sequence[Any]]) -> Only:
    values = fields.fields(item, f"only of {pool}", ONLY)

    def read(entry: Marked, what: str) -> Any:
        known = declared[what]
        value = entry.value if what == "concurrency" else fields.written(entry, what)
        # bool is an int: True would be found in [1].
        if value not in known or isinstance(value, bool):
            raise InputError(
                f"{what} {entry.text[:60]!r} of {pool} is not declared (known: {fields.listed(known)})",
                place=entry.place,
            )
        return value

    return Only(
        **{name: fields.each(entry, f"only {name} of {pool}", name, read) for name, entry in values.items()}
    )
