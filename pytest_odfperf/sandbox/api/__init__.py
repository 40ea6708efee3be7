"""The sandbox's API server: Kubernetes over HTTPS on loopback, objects in memory. Knows no machines."""
