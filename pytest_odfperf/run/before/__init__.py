"""Before a run: what was asked for, which cluster, what runs, and what a run would stumble over."""
