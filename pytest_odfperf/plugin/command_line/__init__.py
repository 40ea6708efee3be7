"""The options of the command line and the ini file, and what is asked for by them."""
