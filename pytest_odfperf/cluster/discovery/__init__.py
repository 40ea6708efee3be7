"""The StorageClasses of a cluster as a matrix: what is proposed, what is left out, and why."""
