"""What the figures in README and docs come from, beyond `python -m bgen_core bench`."""
