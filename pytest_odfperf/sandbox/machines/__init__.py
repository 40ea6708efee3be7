"""The machines behind the sandbox: real QEMU guests, or simulated ones."""
