"""Benchmarks: what the figures in README come from. `python -m bgen_core bench` runs them."""
