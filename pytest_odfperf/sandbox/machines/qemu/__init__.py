"""Real machines: QEMU processes."""
