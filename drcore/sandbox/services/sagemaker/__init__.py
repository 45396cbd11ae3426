"""What moto lacks of SageMaker, which is all that changes an endpoint."""
