"""What the author of a plan uses: the step, the loop, the context."""
