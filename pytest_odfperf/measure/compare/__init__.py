"""Whether a run is better or worse than earlier ones: statistics, and the rule of the gate.

numpy and scipy are imported by `session_model` and what uses it alone: the extra ``compare``.
"""
