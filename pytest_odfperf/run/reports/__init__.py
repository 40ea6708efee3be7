"""Reports from the folders of runs, at any time: nothing but what is in them is needed."""
