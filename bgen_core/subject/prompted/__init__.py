"""Any object in a photo, by a click on it or a box around it."""
