"""Which lawful bases count where: one data file per pack. The code knows no country by name."""
