"""A store as a folder or one file elsewhere, and back again; both while it is in use."""
