"""What the issuer does, one verb per module. Transactions are opened here."""
