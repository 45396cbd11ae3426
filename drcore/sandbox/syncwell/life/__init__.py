"""What happens at SyncWell each tick: traffic, jobs, edits."""
