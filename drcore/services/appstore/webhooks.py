"""Webhooks of App Store Connect: what Apple has told our server, whether it arrived, whether it is Apple's."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from drcore.services.answers import VendorAnswer
from drcore.services.appstore.client import AppStoreConnect, Relationship, ResourcePage, resource

STATE_UPDATED = "APP_STORE_VERSION_APP_VERSION_STATE_UPDATED"
_FORM = "hmacsha256="


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook of the app."""

    id: str
    name: str
    url: str
    enabled: bool
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One post to our server: SUCCEEDED, FAILED or PENDING, with the event itself as it was sent (JSON)."""

    id: str
    state: str
    created: str
    ping: bool
    payload: str


class _WebhookSaid(VendorAnswer):
    name: str
    url: str
    enabled: bool
    event_types: tuple[str, ...] = ()


class _Webhook(VendorAnswer):
    id: str
    attributes: _WebhookSaid


class _Webhooks(ResourcePage):
    data: tuple[_Webhook, ...]


class _DeliveryRelations(VendorAnswer):
    event: Relationship = Relationship()


class _DeliverySaid(VendorAnswer):
    delivery_state: str
    created_date: str


class _Delivery(VendorAnswer):
    id: str
    attributes: _DeliverySaid
    relationships: _DeliveryRelations = _DeliveryRelations()


class _EventSaid(VendorAnswer):
    ping: bool = False
    payload: str = ""


class _Event(VendorAnswer):
    id: str
    attributes: _EventSaid


class _Deliveries(ResourcePage):
    data: tuple[_Delivery, ...]
    included: tuple[_Event, ...] = ()


def webhooks(store: AppStoreConnect) -> tuple[Webhook, ...]:
    """The webhooks of the app. Raises Unknown, Rejected."""
    path, what = f"/v1/apps/{store.app.app}/webhooks", "the webhooks of the app"
    return tuple(
        Webhook(row.id, attributes.name, attributes.url, attributes.enabled, attributes.event_types)
        for page in store.pages(path, _Webhooks, what)
        for row in page.data
        for attributes in (row.attributes,)
    )


def deliveries(store: AppStoreConnect, webhook: str) -> tuple[Delivery, ...]:
    """What was posted for a webhook, the newest first. Raises Unknown, Rejected."""
    path, what = f"/v1/webhooks/{webhook}/deliveries", "the deliveries of a webhook"
    rows = []
    for page in store.pages(path, _Deliveries, what, include="event"):
        events = {each.id: each.attributes for each in page.included}
        for row in page.data:
            link = row.relationships.event.data
            event = events.get(link.id, _EventSaid()) if link is not None else _EventSaid()
            attributes = row.attributes
            rows.append(Delivery(row.id, attributes.delivery_state, attributes.created_date, event.ping, event.payload))
    return tuple(rows)


def ping(store: AppStoreConnect, webhook: str) -> None:
    """Let Apple post something to our server; `deliveries` shows whether it arrived. Raises Rejected, Unknown."""
    store.write("POST", "/v1/webhookPings", resource("webhookPings", webhook=("webhooks", webhook)))


def redeliver(store: AppStoreConnect, delivery: str) -> None:
    """Let Apple post something once more. Raises Rejected, Unknown."""
    template = ("webhookDeliveries", delivery)
    store.write("POST", "/v1/webhookDeliveries", resource("webhookDeliveries", template=template))


def is_from_apple(body: bytes, signature: str, secret: str) -> bool:
    """Whether a post is signed with the secret of its webhook; `signature` is the header x-apple-signature."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return signature.startswith(_FORM) and hmac.compare_digest(signature.removeprefix(_FORM), digest)
