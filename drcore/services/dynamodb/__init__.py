"""What is asked of DynamoDB."""
