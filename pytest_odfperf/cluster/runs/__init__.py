"""A run on the cluster: its object, its Lease, who holds it, and the removal of all that is its."""
