"""Over TLS, by the name that was asked for, though its address is connected to; only with a believed certificate."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.notify.authority import HOST, make_certificate
from tests.notify.receivers import HttpReceiver, SmtpReceiver, listening, text_of

from adw.domain.channels import Address, Security
from adw.domain.notification_text import Message
from adw.notify import UndeliveredError
from adw.notify.mail import mail_of, send_mail
from adw.notify.trust import trusted
from adw.notify.webhook import post

MESSAGE = Message(delivery_id="d1", channel="ops", rule_id=None, told=())


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """What a receiver shows, believed by us for the length of a test."""
    believed, shown = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(believed))
    trusted.cache_clear()
    yield shown
    trusted.cache_clear()


async def here(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def send(url: str) -> None:
    await post(url, b"{}", {}, delivery_id="d1", allow_private=True, resolve=here)


def mail_to(receiver: SmtpReceiver, security: Security, host: str = HOST) -> Address:
    return Address(
        host=host,
        port=receiver.port,
        security=security,
        username="adw",
        secret_env="ADW_NOTIFY_MAIL",
        sender="adw@example.com",
        recipients=("ann@example.com",),
        allow_private=True,
    )


async def test_a_webhook_is_spoken_to_by_its_own_name(shown: ssl.SSLContext):
    async with listening(HttpReceiver(), encrypted=shown) as receiver:
        await send(f"https://{HOST}:{receiver.port}/hook")
        assert len(receiver.got) == 1
        with pytest.raises(UndeliveredError):
            await send(f"https://other.example:{receiver.port}/hook")
        assert len(receiver.got) == 1


async def test_a_certificate_that_nobody_vouches_for_is_refused(shown: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    trusted.cache_clear()
    async with (
        listening(HttpReceiver(), encrypted=shown) as receiver,
        listening(SmtpReceiver(), encrypted=shown) as box,
    ):
        with pytest.raises(UndeliveredError):
            await send(f"https://{HOST}:{receiver.port}/hook")
        address = mail_to(box, "tls")
        with pytest.raises(UndeliveredError):
            await send_mail(mail_of(MESSAGE, address), address, password="p", resolve=here)
        assert (receiver.got, box.said) == ([], [])


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_password_is_sent_only_after_encryption(shown: ssl.SSLContext, security: Security):
    is_first = security == "tls"
    offers = ("AUTH PLAIN",) if is_first else ("STARTTLS",)
    box = SmtpReceiver(offers=offers, starts=None if is_first else shown)
    async with listening(box, encrypted=shown if is_first else None):
        address = mail_to(box, security)
        await send_mail(mail_of(MESSAGE, address), address, password="secret", resolve=here)
        assert "it works" in text_of(box.got[0])
        verbs = [line.partition(" ")[0].upper() for line in box.said]
        assert verbs.index("AUTH") > (0 if is_first else verbs.index("STARTTLS"))
        wrong = mail_to(box, security, host="other.example")
        with pytest.raises(UndeliveredError):
            await send_mail(mail_of(MESSAGE, wrong), wrong, password="secret", resolve=here)
        assert len(box.got) == 1
