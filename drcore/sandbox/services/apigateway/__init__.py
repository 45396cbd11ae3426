"""What moto lacks of API Gateway."""
