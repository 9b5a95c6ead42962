"""The machine: devices, memory, processes, torch's global state, atomic file writes."""
