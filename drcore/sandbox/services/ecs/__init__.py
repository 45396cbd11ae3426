"""What moto lacks of ECS."""
