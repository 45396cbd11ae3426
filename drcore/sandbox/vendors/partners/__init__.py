"""The partners whose data SyncWell carries: their APIs, their status pages."""
