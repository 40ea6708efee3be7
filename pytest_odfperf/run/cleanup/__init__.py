"""What earlier runs left on the cluster, and its removal."""
