"""What a signal does to a pytest process."""
