"""Two recorded runs to findings. Never imports user code."""
