"""ZIPs that leave one store and enter another."""
