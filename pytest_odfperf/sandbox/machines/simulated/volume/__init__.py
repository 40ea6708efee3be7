"""What a simulated volume does: its speed, its pace, its latencies."""
