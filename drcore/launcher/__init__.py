"""From a command to a finished record."""
