"""What the page shows of a test when it is opened."""
