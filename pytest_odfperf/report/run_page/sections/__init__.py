"""Sections of the page that are there from the beginning."""
