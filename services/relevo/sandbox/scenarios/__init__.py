"""Scenarios: real routes and invented stories as data, played through real HTTP by one player."""
