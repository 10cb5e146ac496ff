"""What the runner consists of: pictures of one size painted by a fed engine, and committed beside it."""
