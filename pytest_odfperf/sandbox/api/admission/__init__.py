"""What is filled in and refused before an object is kept."""
