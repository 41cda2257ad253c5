"""The law under which each country's authority is told of a child, as data."""
