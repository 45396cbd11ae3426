"""Stand-ins for what is not AWS, in their vendors' documented HTTP."""
