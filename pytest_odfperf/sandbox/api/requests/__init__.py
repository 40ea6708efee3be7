"""What is done for a request: reads, writes, watches, subresources."""
