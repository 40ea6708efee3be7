"""What the fields of a kind may hold, as tables of places and of what is wrong with what is there."""
