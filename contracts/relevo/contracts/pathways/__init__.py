"""Referral pathways (*rutas de derivación*): one data file per real route. The code knows none by name."""
