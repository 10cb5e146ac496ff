"""What scripts may ask of the server: its operations, the shapes of what comes and goes, and who a token stands for."""
