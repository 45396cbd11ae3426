"""AWS's wire: requests read, answers written, in each protocol of botocore."""
