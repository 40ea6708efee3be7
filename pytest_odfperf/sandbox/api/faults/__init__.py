"""What goes wrong with requests on demand."""
