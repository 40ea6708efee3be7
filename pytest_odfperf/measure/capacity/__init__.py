"""How many VMs, each at a fixed rate, a pool carries within a latency limit."""
