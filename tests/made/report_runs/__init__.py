"""Folders of runs as real runs leave them, made in seconds: for tests of reports, figures and screenshots.

``PYTHONPATH=tests/made python -m report_runs FOLDER --keys 4860 --guests 5`` makes one; tests call `make_run`
and its siblings. All records are of the product's own classes, and all figures of histograms that it merges.
"""
