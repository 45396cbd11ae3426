"""What moto lacks of each service, one module per service."""
