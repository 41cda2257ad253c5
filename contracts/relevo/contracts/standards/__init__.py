"""Codes that states and standards bodies keep: languages, places, identity numbers, time zones."""
