"""Tables and the functions over them. Rows never leave this package."""
