"""Hands a message to whatever kind of channel it is for. Secrets are read from the variables that channels name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adw.domain.channels import Channel, ChannelKind, check_url
from adw.domain.notification_text import Message
from adw.kit.errors import UsageError
from adw.notify.addresses import Resolve, look_up
from adw.notify.errors import UndeliveredError
from adw.notify.mail import mail_of, send_mail
from adw.notify.slack import slack_body
from adw.notify.webhook import post, signed_headers, webhook_body


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """`secrets` are the values of all variables with channels' secrets that this process was started with."""

    secrets: Mapping[str, str] = field(repr=False)
    resolve: Resolve = look_up

    async def carry(self, channel: Channel, message: Message) -> None:
        """Raises UndeliveredError, whose words hold no secret."""
        address = channel.address
        secret = self._secret(address.secret_env)
        if channel.kind is ChannelKind.EMAIL:
            await send_mail(mail_of(message, address), address, password=secret, resolve=self.resolve)
            return
        if channel.kind is ChannelKind.SLACK:
            body, headers = slack_body(message), dict[str, str]()
        else:
            body = webhook_body(message)
            headers = signed_headers(secret or "", body)
        await post(
            self._url(channel),
            body,
            headers,
            delivery_id=message.delivery_id,
            allow_private=address.allow_private,
            resolve=self.resolve,
        )

    def _url(self, channel: Channel) -> str:
        address = channel.address
        url = address.url or self._secret(address.url_env) or ""
        try:
            return check_url(url, allow_private=address.allow_private)
        except UsageError as error:
            raise UndeliveredError(error.message, is_final=True) from error

    def _secret(self, name: str | None) -> str | None:
        """Missing here, it may be there for another worker, or for this one after a restart."""
        if name is None:
            return None
        if not self.secrets.get(name):
            raise UndeliveredError(f"{name} is not set where this worker runs")
        return self.secrets[name]
