"""The world, its time, its faults."""
