"""Who people are to others, and what they give to others: names, tokens for their scripts, read-only links."""
