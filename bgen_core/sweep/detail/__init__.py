"""The detail pass: an enlarged raw picture is painted once more at low strength, in overlapping tiles."""
