"""Which of AWS's operations only read, which need only a data plane."""

from __future__ import annotations

import re

# Verbs that only read, by AWS's naming. Everything else is a write until it is argued for below.
_READS = re.compile(r"^(Get|List|Describe|Head|BatchGet|Lookup|Query|Scan|Search|Filter|Simulate)(?=[A-Z]|$)")

# Reads by another name. Each takes nothing away and leaves nothing behind:
_ALSO_READS = {
    ("route53", "TestDNSAnswer"),  # computes what DNS would answer
    ("appconfigdata", "StartConfigurationSession"),  # hands out the token that the first read needs; it expires
    ("logs", "StartQuery"),  # an Insights query: it reads, and its result is forgotten
    ("logs", "StopQuery"),  # ends such a query, which takes nothing away but its place among the account's queries
}

# Named as reads, and yet they hand something out, or take something in:
_NO_READS = {
    ("iam", "GetHumanReadableSummary"),  # has one written
    ("sagemaker", "GetScalingConfigurationRecommendation"),  # starts a job that works one out
    ("xray", "GetSamplingTargets"),  # reports what was sampled, and takes a share of the quota
}
# STS is there to hand out credentials, whatever its operations are called, and gets new ones: only these are reads.
_READS_OF_STS = {
    "AssumeRole",  # credentials that expire; how a run gets its own identity
    "GetAccessKeyInfo",
    "GetCallerIdentity",
}

# Calls that need only the data plane (AWS, "Static stability using Availability Zones" and the services' own pages);
# every other call is taken to need a control plane.
DATA_PLANE = {
    "dynamodb": {
        *("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"),
        *("BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems"),
    },
    "s3": {"GetObject", "PutObject", "HeadObject", "HeadBucket", "ListObjectsV2", "DeleteObject"},
    "sqs": {"SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueUrl"},
    "sns": {"Publish"},
    "lambda": {"Invoke"},
    "sts": {"GetCallerIdentity", "AssumeRole"},
    "secretsmanager": {"GetSecretValue", "BatchGetSecretValue"},
    "cloudwatch": {"GetMetricData", "PutMetricData"},
    "appconfigdata": {"StartConfigurationSession", "GetLatestConfiguration"},
    "route53-recovery-cluster": {"GetRoutingControlState", "UpdateRoutingControlState", "UpdateRoutingControlStates"},
}


def is_write(service: str, operation: str) -> bool:
    """Whether a call may leave something behind."""
    if service == "sts":
        return operation not in _READS_OF_STS
    if (service, operation) in _NO_READS:
        return True
    return not _READS.match(operation) and (service, operation) not in _ALSO_READS


def is_writing_method(service: str, method: str) -> bool:
    """The same question for a method's name; only chooses how often botocore may try."""
    camel = "".join(part.capitalize() for part in method.split("_"))
    return is_write(service, camel)
