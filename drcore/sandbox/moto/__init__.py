"""All that touches moto's inside."""
