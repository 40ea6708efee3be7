"""Claims: what kube-controller-manager and a CSI driver's provisioner do for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.sandbox.ceph.ceph import Ceph, CephError
from pytest_odfperf.sandbox.machines.base import Backend, Machines
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.conditions import record_event
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    POD,
    PV,
    PVC,
    STORAGE_CLASS,
    Name,
    Obj,
    is_deleting,
    name_of,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches, Reconciler
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.ceph_provisioner import (
    ProvisionError,
    image_place,
    image_refused,
    keep_image,
)
from pytest_odfperf.sandbox.reconcilers.storage.claim_states import (
    DEFAULT_CLASS,
    claims_of,
    default_class,
    is_bound,
    users,
    waits_for_consumer,
)
from pytest_odfperf.sandbox.reconcilers.storage.clone_plan import CLONE_SOURCE
from pytest_odfperf.sandbox.reconcilers.storage.expansion import Expansion
from pytest_odfperf.sandbox.reconcilers.storage.origins import Filling, NotYetError, Origins
from pytest_odfperf.sandbox.reconcilers.storage.volume_backends import VolumeBackends
from pytest_odfperf.sandbox.reconcilers.storage.volumes import (
    claim_of,
    plain_source,
    volume_object,
)
from pytest_odfperf.sandbox.reconcilers.trouble_book import TroubleBook, held_s

PVC_PROTECTION = "kubernetes.io/pvc-protection"
_SOURCE = "persistentvolume-controller"
#: Until a driver that refused is asked again.
_RETRY_S = 2.0
#: Until a clone that waits for its source looks at it again.
_WAIT_S = 0.5


def unserved(claim: Obj, sc: Obj) -> str | None:
    """What RBD does not serve (ceph-csi ``internal/rbd/controllerserver.go``)."""
    spec = claim["spec"]
    many = "ReadWriteMany" in (spec.get("accessModes") or ())
    rbd = str(sc.get("provisioner")).endswith("rbd.csi.ceph.com")
    if rbd and many and spec.get("volumeMode") != "Block":
        return (
            "rpc error: code = InvalidArgument desc = multi node access modes are only supported on rbd "
            "`block` type volumes"
        )
    return None


class Claims(Reconciler):
    """PersistentVolumeClaims."""

    def __init__(
        self,
        api: Api,
        caches: Caches,
        machines: Machines,
        backends: VolumeBackends,
        ceph: Ceph | None,
        *,
        clone_s: float,
        errors: Mapping[str, str],
        troubles: TroubleBook,
    ) -> None:
        super().__init__(api, caches, PVC)
        self._machines = machines
        self._backends = backends
        self._ceph = ceph
        self._origins = Origins(caches, backends)
        self._expansion = Expansion(api, caches, machines, backends, ceph)
        self._clone_s = clone_s
        #: StorageClasses whose provisioner fails, and what it says.
        self._errors = errors
        self._troubles = troubles
        self.follow(POD, lambda pod: [(pod["metadata"]["namespace"], name) for name in claims_of(pod)])
        self.follow(PV, claim_of)
        self.follow(
            STORAGE_CLASS, lambda _: [name_of(c) for c in caches[PVC].objects.values() if not is_bound(c)]
        )

    async def reconcile(self, name: Name) -> None:
        claim = self.current(name)
        if claim is None:
            return
        finalizers = list(claim["metadata"].get("finalizers") or [])
        if is_deleting(claim):
            if (left_s := held_s(claim, self._troubles.of_claim(claim).claims_held_s)) > 0:
                self.queue.add_later(name, left_s)
                return
            if PVC_PROTECTION in finalizers and not users(self.caches[POD].objects, claim):
                finalizers.remove(PVC_PROTECTION)
                await self.api.set_finalizers(PVC, claim, finalizers)
            return
        if PVC_PROTECTION not in finalizers:
            await self.api.set_finalizers(PVC, claim, [*finalizers, PVC_PROTECTION])
            return
        if is_bound(claim):
            if (again_s := await self._expansion.follow(claim)) is not None:
                self.queue.add_later(name, again_s)
            return
        if not (claim.get("status") or {}).get("phase"):
            await self.api.patch_status(PVC, name, {"phase": "Pending"})
        await self._bind(claim)

    async def _bind(self, claim: Obj) -> None:
        class_name = claim["spec"].get("storageClassName")
        if class_name is None:
            class_name = default_class(self.caches, DEFAULT_CLASS)
            if class_name is not None:
                await self.api.patch(PVC, name_of(claim), {"spec": {"storageClassName": class_name}})
                return
        sc = self.caches[STORAGE_CLASS].get("", class_name or "")
        if sc is None:
            message = (
                f'storageclass.storage.k8s.io "{class_name}" not found'
                if class_name
                else "no persistent volumes available for this claim and no storage class is set"
            )
            await self._say(claim, "ProvisioningFailed" if class_name else "FailedBinding", message)
            return
        if waits_for_consumer(self.caches, claim):
            message = "waiting for first consumer to be created before binding"
            await self._say(claim, "WaitForFirstConsumer", message, warning=False)
            return
        await self._say_external(claim, sc)
        if self._is_troubled(claim):
            return
        try:
            await self._provision(claim, sc)
        except NotYetError as error:
            if str(error):
                await self._say(claim, "Provisioning", str(error), warning=False)
            else:
                self.queue.add_later(name_of(claim), _WAIT_S)
        except (ProvisionError, CephError) as error:
            refused = image_refused(error) if isinstance(error, CephError) else str(error)
            words = f'failed to provision volume with StorageClass "{class_name}": {refused}'
            await self._say(claim, "ProvisioningFailed", words)
            if (
                self._backends.provisioner(sc) is not None
                or isinstance(error, CephError)
                or claim["spec"].get("dataSourceRef")
            ):
                self.queue.add_later(name_of(claim), _RETRY_S)

    async def _provision(self, claim: Obj, sc: Obj) -> None:
        """Raises `ProvisionError`, `CephError`, `NotYetError`."""
        if not self._backends.serves(sc):
            raise ProvisionError(f"no provisioner {sc.get('provisioner')} is running")
        filling = await self._origins.of_claim(claim, sc)
        if problem := self._errors.get(sc["metadata"]["name"]) or unserved(claim, sc):
            raise ProvisionError(problem)
        if (provisioner := self._backends.provisioner(sc)) is not None:
            await provisioner.check(sc)
        backend = await self._backends.of_class(sc)
        assert backend is not None
        await self._make(claim, sc, backend, filling)

    async def _say_external(self, claim: Obj, sc: Obj) -> None:
        """The volume controller says so of each claim, in good runs too: it waits for the provisioner."""
        message = (
            f"Waiting for a volume to be created either by the external provisioner '{sc['provisioner']}' "
            "or manually by the system administrator. If volume creation is delayed, please verify that "
            "the provisioner is running and correctly registered."
        )
        await self._say(claim, "ExternalProvisioning", message, warning=False)

    def _is_troubled(self, claim: Obj) -> bool:
        troubles = self._troubles.of_claim(claim)
        if (claim["spec"].get("dataSourceRef") or {}).get("kind") == CLONE_SOURCE:
            return troubles.clone != "none" or troubles.import_error is not None
        return troubles.provisioner_silent

    async def _say(self, claim: Obj, reason: str, message: str, *, warning: bool = True) -> None:
        await record_event(self.api, PVC, claim, reason, message, warning=warning, source=_SOURCE)

    async def _make(self, claim: Obj, sc: Obj, backend: Backend, filling: Filling) -> None:
        """All steps have names that follow from the claim: done twice, the second time changes nothing."""
        spec = claim["spec"]
        volume = f"pvc-{claim['metadata']['uid']}"
        capacity = spec["resources"]["requests"]["storage"]
        clone = (spec.get("dataSourceRef") or {}).get("kind") == CLONE_SOURCE
        if not clone:  # the provisioner makes that of a clone for another claim
            message = f'External provisioner is provisioning volume for claim "{"/".join(name_of(claim))}"'
            await record_event(self.api, PVC, claim, "Provisioning", message, source=sc["provisioner"])
        if self.caches[PV].get("", volume) is None:
            if clone:
                await asyncio.sleep(self._clone_s)
            size_bytes, image = to_bytes(str(capacity)), backend.image(volume)
            await self._keep_image(sc, image, size_bytes, filling)
            if filling.origin is None:
                await self._machines.create_volume(backend, volume, size_bytes, clone=filling.image)
            else:
                await self._machines.copy_volume(filling.origin, backend, volume, size_bytes)
            source = plain_source(sc, volume, backend)
            if (provisioner := self._backends.provisioner(sc)) is not None:
                source = await provisioner.source(sc, claim, image)
            await self.api.create(PV, volume_object(volume, claim, sc, source))
        await self.api.patch_status(PV, ("", volume), {"phase": "Bound"})
        annotations = {
            "pv.kubernetes.io/bind-completed": "yes",
            "pv.kubernetes.io/bound-by-controller": "yes",
        }
        name = name_of(claim)
        await self.api.patch(
            PVC, name, {"metadata": {"annotations": annotations}, "spec": {"volumeName": volume}}
        )
        status = {"phase": "Bound", "accessModes": spec.get("accessModes"), "capacity": {"storage": capacity}}
        await self.api.patch_status(PVC, name, status)

    async def _keep_image(self, sc: Obj, image: str, size_bytes: int, filling: Filling) -> None:
        source = None
        if (origin := filling.origin) is not None:
            source = image_place(filling.attributes, origin.backend.image(origin.volume))
        await keep_image(self._ceph, sc.get("parameters") or {}, image, size_bytes, source)
