"""Seeds: drawn by chance, and those that follow a cell's own where it is drawn again."""
