"""Whether the storage is well before it is measured: Ceph, attached volumes, the pods of its drivers."""
