"""What moto lacks of CloudWatch Logs."""
