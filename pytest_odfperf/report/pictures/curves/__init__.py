"""Pictures of how figures hang together: rate and latency, load and latency, latency and its percentiles."""
