"""From a file to an array of pixels."""
