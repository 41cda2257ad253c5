"""HTTP: one module per noun. Handlers parse, call one operation and answer."""
