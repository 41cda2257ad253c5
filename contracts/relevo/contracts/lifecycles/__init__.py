"""One table of legal moves for each thing that has a life."""
