"""Steps that plans share, with the facts that they need."""
