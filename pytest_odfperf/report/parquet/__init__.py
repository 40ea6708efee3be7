"""results.parquet: the rows of results.csv with their types, histograms and series.

For DuckDB, pandas and others. Needs pyarrow (the extra ``parquet``), which takes 0.1 s to import: it is
imported when the file is made.
"""
