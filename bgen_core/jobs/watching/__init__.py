"""What is told of a running service: whether it is ready, and its figures."""
