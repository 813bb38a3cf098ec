"""A small packaged shop, recorded, changed and compared."""
