"""The store: database rows and pictures."""
