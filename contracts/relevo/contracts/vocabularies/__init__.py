"""The code lists, as data: one TOML file each in `data/`."""
