"""What SyncWell owns: its resources in the account."""
