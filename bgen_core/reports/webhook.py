"""A message to the address that a deployment set, when a sweep has ended.

Signed as Standard Webhooks 1.0 (https://www.standardwebhooks.com) asks, so that a receiver can check it with a library
that it has: HMAC-SHA256 over the message's id, its time and its body.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from bgen_core.ids import SweepId
from bgen_core.json_value import JsonValue
from bgen_core.records.sweep import SweepRecord
from bgen_core.wording import quoted

EVENT = "sweep.ended"
_TIMEOUT_SECONDS = 10.0


class WebhookError(Exception):
    """The receiver did not take the message: says why. `is_final` where trying again would change nothing."""

    def __init__(self, text: str, *, is_final: bool) -> None:
        super().__init__(text)
        self.is_final = is_final


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is sent, the same at every try.

    Attributes
    ----------
    id
        By which a receiver knows a message again that came twice.
    body
        JSON, UTF-8.
    """

    id: str
    body: bytes


def ended_message(sweep: SweepRecord, *, done: int, failed: int, ended: datetime, public_url: str) -> Message:
    """What is said of a sweep that has ended.

    Parameters
    ----------
    done, failed
        How many of its cells are in the store, and how many could not be made.
    public_url
        Address of the pages; empty where the deployment did not name it.
    """
    told: dict[str, JsonValue] = {
        "id": sweep.id,
        "title": sweep.title,
        "state": sweep.state,
        "message": sweep.message,
        "cells": {"total": sweep.total, "done": done, "failed": failed},
    }
    if public_url:
        told["url"] = sweep_url(public_url, sweep.id)
    whole = {"type": EVENT, "timestamp": ended.isoformat(timespec="seconds"), "data": told}
    return Message(id=f"{sweep.id}.{round(ended.timestamp())}", body=json.dumps(whole, ensure_ascii=False).encode())


def sweep_url(public_url: str, sweep_id: SweepId) -> str:
    """Where people see a sweep."""
    return f"{public_url}/sweep?id={sweep_id}"


def send(message: Message, *, url: str, secret: str, now: datetime) -> None:
    """Send a message once, and wait for the answer for some seconds.

    Raises
    ------
    WebhookError
        The receiver is away, or answered with anything but 2xx; a redirection is such an answer and is not followed.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "bgen"} | signature(message, secret=secret, now=now)
    try:
        request = Request(url, data=message.body, headers=headers, method="POST")
        with build_opener(_NoRedirection).open(request, timeout=_TIMEOUT_SECONDS):
            pass
    except HTTPError as error:
        with error:
            # What is asked again later: too early, too often, or a fault of the receiver's own.
            is_final = error.code < 500 and error.code not in (408, 425, 429)
            raise WebhookError(f"it answers {error.code} {quoted(error.reason)}", is_final=is_final) from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise WebhookError(f"it does not answer ({reason})", is_final=False) from error


def signature(message: Message, *, secret: str, now: datetime) -> dict[str, str]:
    """The three headers by which a receiver knows who sent this, when, and that it is whole."""
    time = str(int(now.timestamp()))
    signed = hmac.digest(secret.encode(), f"{message.id}.{time}.".encode() + message.body, hashlib.sha256)
    return {
        "webhook-id": message.id,
        "webhook-timestamp": time,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


class _NoRedirection(HTTPRedirectHandler):
    """The deployment named one address; where that leads elsewhere is nobody's to choose."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        del req, fp, code, msg, headers, newurl
