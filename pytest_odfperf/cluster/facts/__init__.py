"""What the cluster is: pools, room on nodes, rights. Read, never changed."""
