"""report.html: one file, made of a run's content. Its shell is that of the comparison and trend pages."""
