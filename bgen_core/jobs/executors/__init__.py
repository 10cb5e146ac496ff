"""What computes the sweeps of a server: one protocol, and a module for each way."""
