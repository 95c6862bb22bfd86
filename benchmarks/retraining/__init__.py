"""Measures what a retraining costs as the images grow: see `benchmarks.retraining.__main__`."""
