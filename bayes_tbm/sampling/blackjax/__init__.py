"""The samplers of BlackJAX."""
