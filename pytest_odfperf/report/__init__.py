"""What people read, made of records: text in, text out."""
