"""What moto lacks of DynamoDB."""
