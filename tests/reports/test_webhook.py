"""Messages to the deployment's own address: what they say, how they are signed, and what of the answers."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from bgen_core.reports.webhook import Message, WebhookError, ended_message, send
from tests.made_up import made_up_sweep
from tests.webhook_receiver import receiving

NOW = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)
MESSAGE = Message(id="m-1", body='{"title": "Größe × Seed"}'.encode())


def test_a_message_is_signed_over_its_id_its_time_and_its_body() -> None:
    with receiving() as receiver:
        send(MESSAGE, url=receiver.url, secret="schlüssel", now=NOW)
    (got,) = receiver.got
    signed = b"m-1.1795953600." + MESSAGE.body
    expected = base64.b64encode(hmac.new("schlüssel".encode(), signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert (got.headers["webhook-id"], got.headers["webhook-timestamp"]) == ("m-1", str(int(NOW.timestamp())))
    assert (got.body, got.headers["content-type"]) == (MESSAGE.body, "application/json")


@pytest.mark.parametrize("public_url", ["", "https://bgen.example.org"])
def test_it_tells_how_the_sweep_ended_and_where_it_is_seen(public_url: str) -> None:
    sweep = made_up_sweep("s-1", cells=["a", "b", "c"], state="failed", message="The disk is full.")
    message = ended_message(sweep, done=2, failed=1, ended=NOW, public_url=public_url)
    told = json.loads(message.body)
    where = {"url": "https://bgen.example.org/sweep?id=s-1"} if public_url else {}
    assert told == {
        "type": "sweep.ended",
        "timestamp": "2026-11-29T12:00:00+00:00",
        "data": {
            "id": "s-1", "title": "steps × guidance", "state": "failed", "message": "The disk is full.",
            "cells": {"total": 3, "done": 2, "failed": 1}, **where,
        },
    }  # fmt: skip


@pytest.mark.parametrize(("code", "is_final"), [(500, False), (429, False), (404, True), (400, True)])
def test_an_answer_that_is_none_is_told(code: int, is_final: bool) -> None:
    with receiving(answers=[code]) as receiver, pytest.raises(WebhookError, match=f"answers {code}") as raised:
        send(MESSAGE, url=receiver.url, secret="s", now=NOW)
    assert raised.value.is_final == is_final


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirection_is_not_followed(code: int) -> None:
    with (
        receiving() as other,
        receiving(answers=[code], location=other.url) as receiver,
        pytest.raises(WebhookError, match=f"answers {code}"),
    ):
        send(MESSAGE, url=receiver.url, secret="s", now=NOW)
    assert (len(receiver.got), other.got) == (1, [])


def test_a_receiver_that_is_away_is_asked_again() -> None:
    with receiving() as receiver:
        pass
    with pytest.raises(WebhookError, match="does not answer") as raised:
        send(MESSAGE, url=receiver.url, secret="s", now=NOW)
    assert not raised.value.is_final
