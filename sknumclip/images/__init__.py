"""Images: reading, resizing, and keeping what was decoded or embedded."""
