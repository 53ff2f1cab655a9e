"""Inference: the log density in named parts, starts, engines, results."""
