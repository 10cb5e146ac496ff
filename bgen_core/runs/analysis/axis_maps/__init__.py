"""Where in the picture each axis of a sweep acts."""
