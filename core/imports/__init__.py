"""Bringing weights and networks back from other programs' files."""
