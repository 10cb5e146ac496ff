"""Keeping a store in order: what is missing or left over, mending it, and what goes by itself."""
