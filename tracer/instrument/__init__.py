"""Lets probes see the activations of watched callables; undo leaves no trace."""
