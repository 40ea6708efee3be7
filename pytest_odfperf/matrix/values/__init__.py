"""Values of a matrix that are more than a name or a number."""
