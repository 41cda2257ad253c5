"""The one command, `relevo`."""
