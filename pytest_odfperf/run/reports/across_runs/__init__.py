"""Pages over several runs: two side by side, and the course of many."""
