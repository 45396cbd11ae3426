"""What moto lacks of CloudTrail."""
