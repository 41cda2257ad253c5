"""What every service of Relevo stands on; it knows no rule about referrals."""
