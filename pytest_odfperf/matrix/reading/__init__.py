"""From a matrix file to a `Matrix`: YAML with places, ``extends``, fields, checks."""
