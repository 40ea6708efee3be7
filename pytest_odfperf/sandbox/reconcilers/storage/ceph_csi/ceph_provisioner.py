"""The provisioners of RBD images and CephFS subvolumes."""

from __future__ import annotations

import asyncio
import base64
import binascii
from pathlib import Path

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.ceph.ceph import Ceph, CephError, ImageWanted, Mountable
from pytest_odfperf.sandbox.ceph.simulated.pool_rates import modelled
from pytest_odfperf.sandbox.ceph.simulated.simulated_ceph import SimulatedCeph
from pytest_odfperf.sandbox.config.parse_config import STORAGE_NAMESPACE
from pytest_odfperf.sandbox.machines.base import Backend
from pytest_odfperf.sandbox.machines.image_backend import image_backend
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import SECRET, Obj
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.csi_rules import (
    CsiKind,
    Parameters,
    context,
    csi_kind,
    filesystem_type,
    node_secret,
    options_problem,
    parameters_problem,
    rpc,
    secret_of,
    secret_problem,
    volume_handle,
)

_CLUSTER_ID = STORAGE_NAMESPACE
_IDENTITY = "storage.kubernetes.io/csiProvisionerIdentity"


class ProvisionError(OdfError):
    """The volume is not made; the words are those of the event."""


class CephProvisioner:
    """Volumes of the Ceph behind the sandbox, for StorageClasses that are not of its configuration."""

    def __init__(self, api: Api, ceph: Ceph, directory: Path, *, real: bool) -> None:
        """Files of volumes that are not in Ceph go into ``directory``.

        ``real``: machines have disks, so that a CephFS of real processes has to hold them.
        """
        self._api = api
        self._ceph = ceph
        self._directory = directory
        self._mountable = ceph if real and isinstance(ceph, Mountable) else None

    def serves(self, sc: Obj) -> bool:
        return csi_kind(str(sc.get("provisioner")), STORAGE_NAMESPACE) is not None

    async def check(self, sc: Obj) -> None:
        """Whether a volume of this class can be made. Raises `ProvisionError`."""
        kind = csi_kind(sc["provisioner"], STORAGE_NAMESPACE)
        assert kind is not None
        parameters = sc.get("parameters") or {}
        secret = await self._secret(parameters)
        problem = (
            parameters_problem(kind, parameters)
            or secret_problem(kind, secret)
            or options_problem(kind, parameters, _CLUSTER_ID)
            or await self._ceph_problem(kind, parameters)
        )
        if problem:
            raise ProvisionError(problem)

    async def _secret(self, parameters: Parameters) -> dict[str, str] | None:
        try:
            named = secret_of(parameters)
        except ValueError as error:
            raise ProvisionError(str(error)) from None
        if named is None:
            return None
        namespace, name = named
        found = await self._api.get(SECRET, namespace, name)
        if found is None:
            words = f'secrets "{name}" not found'
            raise ProvisionError(f"error getting secret {name} in namespace {namespace}: {words}")
        try:
            data = found.get("data") or {}
            return {key: base64.b64decode(text).decode("utf-8", "replace") for key, text in data.items()}
        except binascii.Error:
            return {}

    async def _ceph_problem(self, kind: CsiKind, parameters: Parameters) -> str | None:
        if kind == "cephfs":
            there = parameters["fsName"] in await self._ceph.filesystems()
            return None if there else rpc("InvalidArgument", "volume not found")
        pools = {pool.name for pool in await self._ceph.pools()}
        if parameters["pool"] not in pools:
            words = f"pool not found: pool ({parameters['pool']}) not found in Ceph cluster"
            return rpc("Internal", words)
        if parameters.get("dataPool", parameters["pool"]) not in pools:
            return rpc("Internal", "failed to create rbd image: rbd: ret=-2, No such file or directory")
        return None

    async def backend(self, name: str, provisioner: str, parameters: Parameters) -> Backend:
        """Where the volumes of a class of this name, or with what a volume carries along, are."""
        folder = self._directory / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kind = csi_kind(provisioner, STORAGE_NAMESPACE)
        if kind == "rbd" and self._ceph.connection is not None:
            return image_backend(name, folder, self._ceph, parameters)
        pool, data_pool = parameters.get("pool"), parameters.get("dataPool")
        if kind == "cephfs":
            pool, data_pool = _image_pool(parameters), None
            folder = await self.subvolumes(provisioner, parameters) or folder
        wanted = None
        if isinstance(self._ceph, SimulatedCeph):
            wanted = self._ceph.wanted(data_pool or pool or "")
        rates = modelled(wanted, cephfs=kind == "cephfs") if wanted else None
        return Backend(name=name, directory=folder, pool=pool, data_pool=data_pool, model=rates)

    async def subvolumes(self, provisioner: str, parameters: Parameters) -> Path | None:
        """Where the disks of VMs are in a CephFS, a file each; None: they are elsewhere, or there are none.

        Raises `ProvisionError`.
        """
        if self._mountable is None or csi_kind(provisioner, STORAGE_NAMESPACE) != "cephfs":
            return None
        try:
            root = await self._mountable.mount(parameters.get("fsName", ""))
            folder = root / "volumes" / "csi"
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        except (CephError, OSError) as error:
            words = error.said if isinstance(error, CephError) else str(error)
            raise ProvisionError(rpc("Internal", words)) from error
        return folder

    async def source(self, sc: Obj, claim: Obj, image: str) -> Obj:
        """The ``csi`` part of a PersistentVolume."""
        parameters = sc.get("parameters") or {}
        attributes = {
            **context(parameters),
            "storage.kubernetes.io/csiProvisionerIdentity": sc["provisioner"],
        }
        pool = parameters.get("pool") or f"{parameters.get('fsName')}-metadata"
        ids = {found.name: found.pool_id for found in await self._ceph.pools()}
        if "fsName" in parameters:
            attributes |= {"subvolumeName": image, "subvolumePath": f"/volumes/csi/{image}"}
        else:
            attributes |= {"journalPool": pool, "imageName": image}
        source: Obj = {
            "driver": sc["provisioner"],
            "volumeHandle": volume_handle(
                parameters["clusterID"], ids.get(pool, 0), claim["metadata"]["uid"]
            ),
            "volumeAttributes": attributes,
        }
        if (secret := node_secret(parameters)) is not None:
            source["nodeStageSecretRef"] = secret
        if (filesystem := filesystem_type(parameters)) and claim["spec"].get("volumeMode") != "Block":
            source["fsType"] = filesystem
        return source


async def keep_image(
    ceph: Ceph | None,
    parameters: Parameters,
    image: str,
    size_bytes: int,
    source: tuple[str, str] | None = None,
) -> None:
    """Have a modelled Ceph know of an image, whatever is behind the volume. Raises `CephError`.

    ``source``: pool and name of the image that it is a clone of.
    """
    pool = _image_pool(parameters)
    if not isinstance(ceph, SimulatedCeph) or pool is None:
        return
    pools = {found.name for found in await ceph.pools()}
    if pool not in pools:
        return
    features = tuple(filter(None, parameters.get("imageFeatures", "").split(",")))
    wanted = ImageWanted(
        pool=pool,
        name=image,
        size_bytes=size_bytes,
        data_pool=parameters.get("dataPool"),
        features=features,
    )
    if source is not None and source[0] in pools and source[1] in await ceph.images(source[0]):
        await ceph.clone_image(*source, wanted)
    else:
        await ceph.create_image(wanted)


def image_place(parameters: Parameters, image: str) -> tuple[str, str] | None:
    """Pool and name of the image of a volume with these attributes; None: it is none."""
    pool = _image_pool(parameters)
    return (pool, image) if pool is not None else None


async def grow_image(ceph: Ceph | None, parameters: Parameters, image: str, size_bytes: int) -> None:
    """Have a modelled Ceph know that an image is larger now. Raises `CephError`."""
    pool = _image_pool(parameters)
    if not isinstance(ceph, SimulatedCeph) or pool is None:
        return
    if pool in {found.name for found in await ceph.pools()} and image in await ceph.images(pool):
        await ceph.resize_image(pool, image, size_bytes)


def image_refused(error: CephError) -> str:
    """What ceph-csi says when Ceph makes no image."""
    return rpc("Internal", f"failed to create rbd image: {error.said}")


async def forget_image(ceph: Ceph | None, parameters: Parameters, image: str) -> None:
    pool = _image_pool(parameters)
    if isinstance(ceph, SimulatedCeph) and pool is not None:
        await ceph.delete_image(pool, image)


def _image_pool(parameters: Parameters) -> str | None:
    """A subvolume is counted as an image of its file system's data pool."""
    if "fsName" in parameters:
        return parameters.get("pool") or f"{parameters['fsName']}-data0"
    return parameters.get("pool")
