"""The worker's part of a run: one group at a time, one key after the other."""
