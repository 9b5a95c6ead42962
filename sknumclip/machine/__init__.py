"""What the machine offers: devices, memory, processes, atomic file writes."""
