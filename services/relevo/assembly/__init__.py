"""One process out of several services: a node or gateway with the issuer that stands beside it."""
