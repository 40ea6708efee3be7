"""The ``sandbox:`` mapping of a matrix: its values, and how they are read and checked."""
