"""Many sites: one job of fits, and what they say together."""
