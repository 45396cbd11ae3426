"""Webhooks of App Store Connect: Apple tells a server of ours that a version's state has changed.

Signed as Apple does it: HMAC-SHA256 of the body with the webhook's secret. Simplified: nothing leaves the sandbox; a
post to SyncWell's own host arrives, as `deliveries` shows, any other is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route
from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.vendors.appstoreconnect.answers import (
    Row,
    attribute_error,
    attributes,
    listed,
    not_there,
    one,
    related,
    reply,
    to,
)
from drcore.sandbox.vendors.appstoreconnect.store import APP, AppStore, IosVersion
from drcore.sandbox.vendors.appstoreconnect.versions import V1, app_store, of_the_app

STATE_UPDATED = "APP_STORE_VERSION_APP_VERSION_STATE_UPDATED"
HOST = "hooks.syncwell.example"
_KNOWN = ("enabled", "eventTypes", "name", "secret", "url")


@dataclass(slots=True)
class IosWebhook:
    """One webhook; its secret is told to nobody."""

    id: str
    name: str
    url: str
    secret: str = field(repr=False)
    enabled: bool = True
    events: tuple[str, ...] = (STATE_UPDATED,)


@dataclass(slots=True)
class IosDelivery:
    """One post: what was sent, when, how it was signed, whether it arrived."""

    id: str
    webhook: str
    url: str
    kind: str
    body: bytes
    signature: str
    at: datetime
    arrived: bool
    again: bool = False


class IosWebhooks:
    """The webhooks of the app, with what was delivered, newest first. `down`: our server does not answer."""

    def __init__(self, world: World) -> None:
        self._world, self._store = world, world.state(AppStore)
        self.webhooks: list[IosWebhook] = []
        self.deliveries: list[IosDelivery] = []
        self.down = False
        self._store.listeners.append(self._changed)

    def send(self, webhook: IosWebhook, kind: str, body: bytes, *, again: bool = False) -> IosDelivery:
        """Post a body, signed."""
        digest = hmac.new(webhook.secret.encode(), body, hashlib.sha256).hexdigest()
        arrived = urlsplit(webhook.url).hostname == HOST and not self.down
        name, now = self._store.new_id("delivery"), self._world.clock.now()
        delivery = IosDelivery(name, webhook.id, webhook.url, kind, body, f"hmacsha256={digest}", now, arrived, again)
        self.deliveries.insert(0, delivery)
        return delivery

    def _changed(self, version: IosVersion, before: str, after: str) -> None:
        attributes = {"oldValue": before, "newValue": after, "timestamp": precise(self._world.clock.now())}
        body = {
            "data": {
                "type": "appStoreVersionAppVersionStateUpdated",
                "id": self._store.new_id("event"),
                "version": 1,
                "attributes": attributes,
                "relationships": {"instance": to("appStoreVersions", version.id)},
            }
        }
        for webhook in self.webhooks:
            if webhook.enabled and STATE_UPDATED in webhook.events:
                self.send(webhook, STATE_UPDATED, json.dumps(body).encode())


@http_route("GET", f"{V1}/apps/<app>/webhooks")
def list_webhooks(call: HttpCall) -> JsonReply:
    """The webhooks of the app."""
    of_the_app(call)
    return listed(call, [_webhook(each) for each in _all(call).webhooks])


@http_route("POST", f"{V1}/webhooks")
def create_webhook(call: HttpCall) -> JsonReply:
    """A webhook, with the secret that its posts are signed with."""
    store = app_store(call)
    sent = attributes(call, "webhooks", _KNOWN)
    if missing := [each for each in _KNOWN if each not in sent]:
        raise AwsError("ENTITY_ERROR.ATTRIBUTE.REQUIRED", f"The attribute '{missing[0]}' is required", 409)
    if related(call, "app", "apps") != APP:
        raise AwsError("ENTITY_ERROR.RELATIONSHIP.INVALID", "The app is not known", 409)
    webhook = IosWebhook(store.new_id("webhook"), "", "", "")
    _set(webhook, sent)
    _all(call).webhooks.append(webhook)
    return one(call, _webhook(webhook), status=201)


@http_route("PATCH", f"{V1}/webhooks/<webhook>")
def update_webhook(call: HttpCall) -> JsonReply:
    """Change a webhook."""
    app_store(call)
    webhook = _found(call, call.args["webhook"])
    _set(webhook, attributes(call, "webhooks", _KNOWN, name=webhook.id))
    return one(call, _webhook(webhook))


@http_route("DELETE", f"{V1}/webhooks/<webhook>")
def delete_webhook(call: HttpCall) -> JsonReply:
    """Do without a webhook: 204."""
    app_store(call)
    _all(call).webhooks.remove(_found(call, call.args["webhook"]))
    return reply(call, None, 204)


@http_route("POST", f"{V1}/webhookPings")
def ping_webhook(call: HttpCall) -> JsonReply:
    """Let Apple post something, to see whether it arrives."""
    store = app_store(call)
    attributes(call, "webhookPings", ())
    webhook = _found(call, related(call, "webhook", "webhooks"))
    body = {"data": {"type": "webhookPingCreated", "id": store.new_id("event"), "version": 1}}
    _all(call).send(webhook, "WEBHOOK_PING", json.dumps(body).encode())
    return one(call, {"type": "webhookPings", "id": store.new_id("ping")}, status=201)


@http_route("GET", f"{V1}/webhooks/<webhook>/deliveries")
def list_webhook_deliveries(call: HttpCall) -> JsonReply:
    """What was posted, newest first, with the events themselves if they are asked for (`include=event`)."""
    app_store(call)
    webhook = _found(call, call.args["webhook"])
    states = list(filter(None, call.query.get("filter[deliveryState]", "").split(",")))
    rows = [each for each in _all(call).deliveries if each.webhook == webhook.id]
    rows = [each for each in rows if not states or _state(each) in states]
    included = {each.id: _event(each) for each in rows} if call.query.get("include") == "event" else {}
    return listed(call, [_delivery(each) for each in rows], ("filter[deliveryState]", "include"), included)


@http_route("POST", f"{V1}/webhookDeliveries")
def redeliver_webhook(call: HttpCall) -> JsonReply:
    """Post once more what was posted before."""
    app_store(call)
    attributes(call, "webhookDeliveries", ())
    name = related(call, "template", "webhookDeliveries")
    before = next((each for each in _all(call).deliveries if each.id == name), None)
    if before is None:
        raise not_there("webhookDeliveries", name)
    again = _all(call).send(_found(call, before.webhook), before.kind, before.body, again=True)
    return one(call, _delivery(again), status=201)


def _all(call: HttpCall) -> IosWebhooks:
    return call.world.state(IosWebhooks)


def _found(call: HttpCall, name: str) -> IosWebhook:
    for webhook in _all(call).webhooks:
        if webhook.id == name:
            return webhook
    raise not_there("webhooks", name)


def _set(webhook: IosWebhook, sent: Row) -> None:
    kinds: dict[str, type] = {"enabled": bool, "eventTypes": list, "name": str, "secret": str, "url": str}
    for name, value in sent.items():
        if not isinstance(value, kinds[name]):
            raise attribute_error(f"The attribute '{name}' has a value that it cannot have")
    if not str(sent.get("url", "https://")).startswith("https://"):
        raise attribute_error("The attribute 'url' must begin with https://")
    webhook.enabled, webhook.name = sent.get("enabled", webhook.enabled), sent.get("name", webhook.name)
    webhook.url, webhook.secret = sent.get("url", webhook.url), sent.get("secret", webhook.secret)
    webhook.events = tuple(sent.get("eventTypes", webhook.events))


def _webhook(webhook: IosWebhook) -> Row:
    attributes = {
        "enabled": webhook.enabled,
        "eventTypes": list(webhook.events),
        "name": webhook.name,
        "url": webhook.url,
    }
    return {
        "type": "webhooks",
        "id": webhook.id,
        "attributes": attributes,
        "relationships": {"app": to("apps", APP)},
        "links": {"self": f"{V1}/webhooks/{webhook.id}"},
    }


def _state(delivery: IosDelivery) -> str:
    return "SUCCEEDED" if delivery.arrived else "FAILED"


def _delivery(delivery: IosDelivery) -> Row:
    at = precise(delivery.at)
    attributes: Row = {
        "createdDate": at,
        "sentDate": at,
        "deliveryState": _state(delivery),
        "redelivery": delivery.again,
        "request": {"url": delivery.url},
    }
    attributes |= (
        {"response": {"httpStatusCode": 200, "body": ""}} if delivery.arrived else {"errorMessage": "No response"}
    )
    relations = {"event": to("webhookEvents", f"{delivery.id}-event")}
    return {"type": "webhookDeliveries", "id": delivery.id, "attributes": attributes, "relationships": relations}


def _event(delivery: IosDelivery) -> Row:
    attributes: dict[str, Any] = {
        "eventType": delivery.kind,
        "payload": delivery.body.decode(),
        "ping": delivery.kind == "WEBHOOK_PING",
        "createdDate": precise(delivery.at),
    }
    return {"type": "webhookEvents", "id": f"{delivery.id}-event", "attributes": attributes}
