"""One experiment: its recipe, its trainer, its result."""
