"""Models that are published as one .safetensors file."""
