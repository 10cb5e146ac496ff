"""The subject put before its new background."""
