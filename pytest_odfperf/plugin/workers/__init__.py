"""How pools come to xdist's workers."""
