"""A comparison as parts of a page: of the comparison page, and of a run's report."""
