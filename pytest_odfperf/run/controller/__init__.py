"""The controller's part of a run: opened once, closed in any case."""
