"""What `lamod benchmark` measures: each fast path beside its slow, plain twin, and both beside the truth."""
