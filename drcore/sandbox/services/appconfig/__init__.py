"""What moto lacks of AppConfig."""
