"""What is so in the simulation; for tests, never for a plan."""
