"""What a run leaves: the journal, what it binds, how it is proved."""
