"""Measure the storage of virtual machines on OpenShift, one pytest test per cell of a matrix."""
