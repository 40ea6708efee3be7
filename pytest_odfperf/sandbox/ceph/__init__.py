"""Ceph behind the sandbox's storage: what all implementations can, and the one of real processes."""
