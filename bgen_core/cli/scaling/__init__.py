"""Commands for more than one GPU."""
