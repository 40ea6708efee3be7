"""In which order pools stand, and how sure that is. Pure, and without numpy or scipy."""
