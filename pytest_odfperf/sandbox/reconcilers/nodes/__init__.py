"""What nodes do: the scheduler, the kubelets, the logs."""
