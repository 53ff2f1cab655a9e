"""A population of sites: fits of many, what they share, and what drives their differences."""
