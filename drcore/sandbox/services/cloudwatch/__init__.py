"""What moto lacks of CloudWatch."""
