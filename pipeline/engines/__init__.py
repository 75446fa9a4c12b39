"""How a tensor program is run: one seam (base), two runtimes, the choice and its reason."""
