"""metrics.prom: a run for Prometheus, while it goes on and at its end."""
