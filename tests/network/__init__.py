"""A package, so that what these tests share ends with them and takes no time of the others."""
