"""Recorded calls written for other tools: as pytest tests, and as a trace for Perfetto."""
