"""What the gateway does: one module per use; transactions live here."""
