"""summary.md: a run in a comment of a merge request, or in the summary of a CI job."""
