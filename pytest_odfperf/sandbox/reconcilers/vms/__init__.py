"""What KubeVirt does: VirtualMachines, instances, launcher pods."""
