"""Triage schemes (*semaforización*): how soon each level is answered. One data file per scheme."""
