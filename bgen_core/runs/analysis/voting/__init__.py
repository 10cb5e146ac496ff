"""Blind votes as evidence: which count, what they prove however often one looks, and which pair to ask about next."""
