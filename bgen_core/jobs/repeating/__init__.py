"""Making a picture again by the painter, on whichever machine, that has the kind of GPU that made it."""
