"""Schema history of the node."""
