"""The shared contract: what every node, gateway and issuer of Relevo agrees on.

Pure: no socket, clock, randomness or cryptography, and no dependency but pydantic.
"""
