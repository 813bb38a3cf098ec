"""A comparison or a recording to something people read."""
