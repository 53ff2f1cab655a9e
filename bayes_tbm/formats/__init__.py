"""Readers of the formats that sites come in, one a file, and what readers share."""
