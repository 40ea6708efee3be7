"""Lies told to the plugin one at a time, and clean results: what it believes, and what it doubts."""
