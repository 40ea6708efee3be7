"""The tests' fixtures live beside them, in ``tests/*/conftest.py``."""
