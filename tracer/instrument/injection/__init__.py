"""Probes by bytecode: code objects are rewritten so that they call their probe, and nothing the host can see changes."""
