"""Mutants: the plans and the engine broken on purpose, one fault at a time, to see which test notices."""
