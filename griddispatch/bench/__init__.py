"""The bench: what the product does on this machine, measured against what the same stack can do at the least."""
