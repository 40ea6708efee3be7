"""From a matrix file to a `Matrix`. Every error is an `InputError` that names the file and the line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.expand import count_keys
from pytest_odfperf.matrix.model import (
    FioSettings,
    GuestSettings,
    Matrix,
    Profile,
    PvcSize,
    RankingSettings,
    Timeouts,
    VmSettings,
    source_of,
)
from pytest_odfperf.matrix.reading import entries, fields, settings
from pytest_odfperf.matrix.reading.extends import extend
from pytest_odfperf.matrix.reading.files import find_matrix, find_template, read_file, shown
from pytest_odfperf.matrix.reading.limit_entries import read_limits
from pytest_odfperf.matrix.reading.ranking_settings import read_ranking
from pytest_odfperf.matrix.reading.vm_settings import read_vm
from pytest_odfperf.matrix.reading.yaml_marks import Marked, read_yaml
from pytest_odfperf.matrix.template import uses, with_includes

FIELDS = (
    "extends", "name", "cluster", "namespace", "pools", "vm_sizes", "pvc_sizes", "concurrency", "profiles",
    "block_sizes", "fio", "guest", "timeouts", "vm", "limits", "ranking", "capacity", "sandbox",
)  # fmt: skip
_REQUIRED = ("pools", "vm_sizes", "pvc_sizes", "concurrency", "profiles")
CLUSTERS = ("kubeconfig", "sandbox")
NAMESPACE = "odfperf"

MOST_KEYS = 100_000
_LONGEST_CHAIN = 8

#: Of a data disk: what the file system itself and its log may take.
FILE_SYSTEM_SHARE = 0.1


def load_matrix(name_or_path: str) -> Matrix:
    """The matrix of a file, or the one of that name that ships with the plugin. Raises `InputError`."""
    path = find_matrix(name_or_path)
    return load_text(read_file(path, what="matrix"), source=shown(path), folder=path.parent, name=path.stem)


def load_text(text: str, *, source: str, folder: Path, name: str) -> Matrix:
    """The matrix that ``text`` describes.

    ``source`` is its place in messages, other files are found from ``folder``, and ``name`` is the name of
    a matrix that does not say its own. Raises `InputError`.
    """
    loading = _Loading()
    return loading.matrix(loading.merged(text, source, folder, chain=(folder / name,)), source, name)


class _Loading:
    """One load: which folder each file that took part lies in."""

    def __init__(self) -> None:
        self._folders: dict[str, Path] = {}

    def merged(self, text: str, source: str, folder: Path, chain: tuple[Path, ...]) -> Marked:
        """The document, over what it extends."""
        self._folders[source] = folder
        document = read_yaml(text, source)
        values = fields.fields(document, "the matrix", FIELDS)
        if "extends" not in values:
            return document
        extends = values["extends"]
        base_name = fields.text(extends, "extends")
        path = find_matrix(base_name, beside=folder, place=extends.place)
        if _real(path.parent / path.stem) in map(_real, chain):
            raise InputError(f"extends {base_name!r}, which extends this matrix", place=extends.place)
        if len(chain) == _LONGEST_CHAIN:
            raise InputError(f"more than {_LONGEST_CHAIN} matrices extend each other", place=extends.place)
        base = self.merged(
            read_file(path, what="matrix", place=extends.place),
            shown(path),
            path.parent,
            (*chain, path.parent / path.stem),
        )
        # So that a fault of the base is reported in the base's own lines.
        self.matrix(base, shown(path), path.stem)
        return extend(base, document)

    def matrix(self, document: Marked, source: str, name: str) -> Matrix:
        values = fields.fields(document, "the matrix", FIELDS, _REQUIRED)
        block_sizes = (
            settings.read_block_sizes(values["block_sizes"], "block_sizes")
            if "block_sizes" in values
            else None
        )
        vm_sizes = entries.read_vm_sizes(values["vm_sizes"])
        pvc_sizes = entries.read_pvc_sizes(values["pvc_sizes"])
        concurrency = entries.read_concurrency(values["concurrency"])
        fio = values.get("fio")
        lists = settings.read_lists(fields.mapping(fio, "fio"), "fio") if fio else {}
        profiles = entries.read_profiles(values["profiles"], block_sizes, lists, self._template)
        declared: dict[str, list[Any]] = {
            "vm_sizes": [size.label for size in vm_sizes],
            "pvc_sizes": [size.label for size in pvc_sizes],
            "concurrency": list(concurrency),
            "profiles": list(dict.fromkeys(name for p in profiles for name in (p.base, p.name) if name)),
        }
        matrix = Matrix(
            source=source,
            # A base's own name is not the name of what extends it.
            name=self._name(values, source) or name,
            cluster=fields.choice(values["cluster"], "cluster", CLUSTERS) if "cluster" in values else None,
            namespace=fields.dns_label(values["namespace"], "namespace")
            if "namespace" in values
            else NAMESPACE,
            pools=entries.read_pools(values["pools"], declared),
            vm_sizes=vm_sizes,
            pvc_sizes=pvc_sizes,
            concurrency=concurrency,
            profiles=profiles,
            fio=settings.read_fio(fio) if fio else FioSettings(),
            guest=settings.read_guest(values["guest"]) if "guest" in values else GuestSettings(),
            timeouts=settings.read_timeouts(values["timeouts"]) if "timeouts" in values else Timeouts(),
            vm=read_vm(values["vm"], "the matrix") if "vm" in values else VmSettings(),
            ranking=read_ranking(values["ranking"], declared["profiles"])
            if "ranking" in values
            else RankingSettings(),
            limits=read_limits(values["limits"]) if "limits" in values else (),
            capacity=settings.read_capacity(values["capacity"], entries.MOST_VMS)
            if "capacity" in values
            else None,
            sandbox=fields.plain_mapping(values["sandbox"], "sandbox") if "sandbox" in values else None,
        )
        _check_fit(matrix, values)
        if (keys := count_keys(matrix)) > MOST_KEYS:
            raise InputError(f"the matrix has {keys} keys, more than {MOST_KEYS}", place=source)
        return matrix

    def _name(self, values: dict[str, Marked], source: str) -> str | None:
        if "name" not in values or values["name"].source != source:
            return None
        return fields.name(values["name"], "name")

    def _template(self, entry: Marked, profile: str, path: str | None) -> str:
        folder = self._folders[entry.source]
        found = find_template(path or f"{profile}.fio", beside=folder, direct=path is not None)
        if found is None:
            if path is None:
                raise InputError(
                    f"profile {profile!r} has no template: profiles/{profile}.fio is neither beside the "
                    "matrix nor shipped; give template: FILE",
                    place=entry.place,
                )
            found = folder / path
        text = read_file(found, what=f"template of profile {profile}", place=entry.place)
        return with_includes(
            text,
            found,
            source_of(profile, path),
            lambda file, place: read_file(file, what="included file", place=place),
        )


def _real(path: Path) -> str:
    # Path.resolve raises for a loop of links.
    return os.path.realpath(path.parent) + os.sep + path.name


def _check_fit(matrix: Matrix, values: dict[str, Marked]) -> None:
    """What can be known of the disks without a job: the test file and a whole block must fit."""
    size = matrix.fio.file_size_bytes
    if any(uses(profile.template, "FILE_SIZE") for profile in matrix.profiles):
        smallest = min(matrix.pvc_sizes, key=lambda pvc: pvc.size_bytes)
        check_file_fits(size, smallest, place=values.get("fio", values["pvc_sizes"]).place)
    for profile in matrix.profiles:
        check_blocks_fit(profile, size, place=values["profiles"].place)


def check_file_fits(file_size_bytes: int, pvc: PvcSize, *, place: str | None = None) -> None:
    """Raise `InputError` if fio's file can not be laid out on a data disk of ``pvc``."""
    if file_size_bytes > pvc.size_bytes * (1 - FILE_SYSTEM_SHARE):
        raise InputError(
            f"fio file_size of {file_size_bytes} bytes does not fit on a PVC of {pvc.label} "
            "beside what the file system itself takes",
            place=place,
        )


def check_blocks_fit(profile: Profile, file_size_bytes: int, *, place: str | None = None) -> None:
    """Raise `InputError` if a block of ``profile`` is larger than fio's file."""
    for block_size in profile.block_sizes:
        if (fields.parse_fio_bytes(block_size) or 0) > file_size_bytes:
            raise InputError(
                f"block size {block_size} of profile {profile.name} is above fio file_size "
                f"({file_size_bytes} bytes)",
                place=place,
            )
