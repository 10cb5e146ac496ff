"""More than one GPU: Ray places painters and watches them. Nothing of a picture travels through it."""
