"""Pictures of a run, as data: what is drawn, and the table of its values."""
