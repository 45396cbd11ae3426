"""X-Ray: traces, what a filter expression finds of them, the graph of their services."""
