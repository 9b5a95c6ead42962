"""CLIP models taken apart: image tower, text tower, tokenizer, preprocessing."""
