"""Effects on guests: SSH through the API server, the benchmark service, all guests at once."""
