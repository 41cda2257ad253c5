"""The service of a country: routes what it cannot read, and proves what it did."""
