"""What Ceph says of itself: its objects, its health, what its manager counts."""
