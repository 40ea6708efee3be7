"""Rates and latencies over the time of a run: series, and what their shapes mean."""
