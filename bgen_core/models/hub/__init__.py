"""The Hugging Face Hub, asked without torch."""
