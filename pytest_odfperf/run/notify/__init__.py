"""Messages of a run to people, by apprise: in a process of its own, with a deadline."""
