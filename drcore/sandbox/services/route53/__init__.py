"""What moto lacks of Route 53."""
