"""What a process holds of a store's work, and how others see that it lives."""
