"""The institution's service: submits, receives and answers referrals for its own systems."""
