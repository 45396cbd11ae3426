"""Who calls the emulated AWS, with which right: IAM's evaluation of policies.

Every call from outside is evaluated as AWS documents it ("Policy evaluation logic"): an explicit deny in any policy,
then what a resource-based policy grants to whom, then session policies with the permissions boundary, then the
identity-based policies. Behind a call the customer's keys are asked for that its data lies under (`key_uses.py`). Not
evaluated: policies of the organization (SCP, RCP), VPC endpoint policies, ACLs, S3's block of public access, grants of
KMS, tags of principals, resources, requests, the address that a call comes
from; nor the signature of a call, nor a permissions boundary of a user. A condition on any such key is a condition on a
value that the request does not have. A signed call that botocore does not know is moto's.
"""
