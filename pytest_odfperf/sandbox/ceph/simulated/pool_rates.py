"""How fast the volumes of a pool are, by the way in which it keeps its objects.

The rates of three copies, two copies, CephFS and 2+1 chunks are published figures of one VM on NVMe (ODF
4.20, 4 KiB at depth 32 on four workers). Other counts follow from them: writes of more copies are slower, by
the ratio that two and three copies have. Nothing here is a measurement.
"""

from __future__ import annotations

from math import log

from pytest_odfperf.sandbox.ceph.ceph import PoolWanted
from pytest_odfperf.sandbox.config.config_values import CEPH_BACKEND, ModelConfig

_MIB = float(1 << 20)
_THREE = ModelConfig(backend=CEPH_BACKEND)
_TWO_READ, _TWO_WRITE = 61_490.0, 43_326.0
#: How rates go with the number of copies: (3 / copies) to this power.
_READ_POWER = log(_TWO_READ / 52_347.0) / log(1.5)
_WRITE_POWER = log(_TWO_WRITE / 34_544.0) / log(1.5)
_CODED = ModelConfig(
    read_lat_us=380.0,
    write_lat_us=2_500.0,
    read_iops=44_862.0,
    write_iops=13_132.0,
    read_bandwidth=3_668.0 * _MIB,
    write_bandwidth=2_794.0 * _MIB,
    backend=CEPH_BACKEND,
)
_FILES = ModelConfig(
    read_lat_us=340.0,
    write_lat_us=1_130.0,
    read_iops=53_586.0,
    write_iops=29_139.0,
    read_bandwidth=4_980.0 * _MIB,
    write_bandwidth=1_297.0 * _MIB,
    backend=CEPH_BACKEND,
)


def modelled(pool: PoolWanted, *, cephfs: bool = False) -> ModelConfig:
    """The rates of a volume in this pool."""
    base = _CODED if pool.coding else _FILES if cephfs else _THREE
    copies = sum(pool.coding) if pool.coding else pool.replicas or 3
    read, write = (3 / copies) ** _READ_POWER, (3 / copies) ** _WRITE_POWER
    return ModelConfig(
        read_lat_us=base.read_lat_us / read,
        write_lat_us=base.write_lat_us / write,
        read_iops=base.read_iops * read,
        write_iops=base.write_iops * write,
        read_bandwidth=base.read_bandwidth,
        write_bandwidth=base.write_bandwidth * write,
        backend=base.backend,
    )
