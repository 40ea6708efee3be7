"""Limits of the matrix, held against what was measured. Pure."""
