"""Pools are made before a run, or by themselves: what is missing of those that have a recipe."""
