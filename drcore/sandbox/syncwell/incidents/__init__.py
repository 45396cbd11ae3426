"""What can go wrong at SyncWell, by the name of the fault."""
