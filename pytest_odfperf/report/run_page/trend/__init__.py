"""The page over many runs of one matrix."""
