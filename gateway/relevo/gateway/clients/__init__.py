"""Nodes and peer gateways, as this gateway calls them."""
