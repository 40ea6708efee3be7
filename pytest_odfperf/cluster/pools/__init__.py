"""Pools that the plugin makes, on the cluster: what is there, making, awaiting, removal."""
