"""What Kubernetes, KubeVirt and CDI do with the objects of the sandbox, as clients of its API server."""
