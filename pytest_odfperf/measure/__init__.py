"""What the figures of the guests come to, and how they are kept."""
