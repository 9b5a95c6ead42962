"""CLIP models: loading them, and their image tower, text tower, tokenizer and preprocessing."""
