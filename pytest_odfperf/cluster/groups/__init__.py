"""The VM group: made, watched over, removed."""
