"""Images: reading, resizing, embedding and caching."""
