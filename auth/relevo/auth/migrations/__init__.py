"""Schema history of the issuer's database."""
