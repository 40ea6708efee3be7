"""JUnit XML: what CI systems read of a run."""
