"""VM groups as values: names, labels, manifests, user data, the guest script. Pure."""
