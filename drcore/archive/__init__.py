"""Records after the run."""
