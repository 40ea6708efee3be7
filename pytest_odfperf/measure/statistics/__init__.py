"""What several measurements of one thing say together. Pure, and without numpy or scipy."""
