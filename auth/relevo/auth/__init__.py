"""The OAuth 2.0 issuer of one trust boundary: an institution's own, or a gateway's."""
