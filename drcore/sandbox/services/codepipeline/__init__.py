"""What moto lacks of CodePipeline."""
