"""The operator: it comes with the next release; the name is kept for it here."""
