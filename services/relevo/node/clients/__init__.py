"""What the node asks of others."""
