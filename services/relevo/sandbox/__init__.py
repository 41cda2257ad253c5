"""A whole federation on one machine: the demo and the network tests."""
