"""The issuer's rules, pure: one file per RFC or noun."""
