"""A model of a Ceph cluster: its capacity, its pools, their placement groups, its health."""
