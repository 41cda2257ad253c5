"""HTTP: the OAuth endpoints and the administration of clients."""
