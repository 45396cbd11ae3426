"""CloudWatch Logs: the operations on metric filters.

Simplified: one transformation a filter, which is all that AWS takes too.
"""

from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.services.logs.metric_filters import MetricFilter, MetricFilters
from drcore.sandbox.services.logs.patterns import matcher
from drcore.sandbox.services.logs.state import Logs


@operation("logs", "PutMetricFilter")
def put_metric_filter(call: AwsCall) -> dict[str, Any]:
    """As the API: a filter of that name is replaced."""
    params, transformations = call.params, call.params["metricTransformations"]
    if len(transformations) != 1:
        raise AwsError("InvalidParameterException", "Exactly one metric transformation is required")
    group = call.world.state(Logs).group(call.region, params["logGroupName"]).name
    filters = call.world.state(MetricFilters)
    filters.put(call.region, group, params["filterName"], params["filterPattern"], transformations[0])
    return {}


@operation("logs", "DescribeMetricFilters")
def describe_metric_filters(call: AwsCall) -> dict[str, Any]:
    """As the API, 50 a page, by name."""
    params, group = call.params, call.params.get("logGroupName") or ""
    if group:
        call.world.state(Logs).group(call.region, group)
    metric = (params.get("metricName"), params.get("metricNamespace"))
    documents = [
        _described(each)
        for each in call.world.state(MetricFilters).of(call.region, group)
        if each.name.startswith(params.get("filterNamePrefix") or "")
        and metric in ((None, None), (each.transformation["metricName"], each.transformation["metricNamespace"]))
    ]
    here, token = page(documents, params.get("nextToken"), int(params.get("limit") or 50), "InvalidParameterException")
    return {"metricFilters": list(here)} | ({"nextToken": token} if token else {})


@operation("logs", "DeleteMetricFilter")
def delete_metric_filter(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    call.world.state(MetricFilters).delete(call.region, call.params["logGroupName"], call.params["filterName"])
    return {}


@operation("logs", "TestMetricFilter")
def test_metric_filter(call: AwsCall) -> dict[str, Any]:
    """As the API, without extracted values: which of the messages the pattern lets through."""
    matches = matcher(call.params["filterPattern"])
    matched = [
        {"eventNumber": number, "eventMessage": text, "extractedValues": {}}
        for number, text in enumerate(call.params["logEventMessages"], 1)
        if matches(text)
    ]
    return {"matches": matched}


def _described(metric_filter: MetricFilter) -> dict[str, Any]:
    return {
        "filterName": metric_filter.name,
        "filterPattern": metric_filter.pattern,
        "metricTransformations": [dict(metric_filter.transformation)],
        "creationTime": metric_filter.created,
        "logGroupName": metric_filter.group,
    }
