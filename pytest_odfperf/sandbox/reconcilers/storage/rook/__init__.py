"""What Rook's operator does: pools and file systems that clients ask for, and what Ceph says of itself."""
