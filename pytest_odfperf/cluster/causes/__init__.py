"""Why a group does not run: what is looked at, the table of causes, and what is kept of it for people."""
