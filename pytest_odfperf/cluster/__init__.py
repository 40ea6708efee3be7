"""Effects on the cluster: calls, watches, VM groups, cleanup. Knows no pytest."""
