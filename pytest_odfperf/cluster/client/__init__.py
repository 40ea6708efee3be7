"""The client of the cluster: the way there, who asks, calls, watches, and what an outage does to them."""
