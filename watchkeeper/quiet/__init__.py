"""Quiet by design: what is held back and when it comes after all, whether waking was worth it, and why it was done."""
