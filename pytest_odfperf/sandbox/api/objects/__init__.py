"""Objects: kinds, paths, store, life and end."""
