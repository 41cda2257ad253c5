"""Whether two records may be one person: said with its evidence, decided by a person."""
