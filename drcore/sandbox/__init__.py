"""SyncWell on an emulated AWS: one process, no account, no network."""
