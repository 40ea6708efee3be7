"""The front door: HTTPS, who asks, discovery, the sandbox's own endpoints."""
