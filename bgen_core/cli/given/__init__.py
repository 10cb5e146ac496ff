"""What a command is given: parameters, photos, files of options, two passes."""
