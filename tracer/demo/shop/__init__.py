"""A small shop: a catalogue, prices, taxes, a cart and a checkout."""
