"""Pictures over many runs."""
