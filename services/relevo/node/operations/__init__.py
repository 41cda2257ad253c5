"""One module per use. Transactions live here."""
