"""What moto lacks of CodeDeploy."""
