"""What a sweep says: effects of its axes with their uncertainty, charts, votes, groups. Frames in, plain values out."""
