"""Webhooks of GitHub: is it GitHub that speaks, what does it say, and what did somebody do?"""

from adw.forge.github.webhooks.body import parse_body
from adw.forge.github.webhooks.decode import decode
from adw.forge.github.webhooks.receive import MAX_BYTES, Envelope, Received, receive
from adw.forge.github.webhooks.signature import is_signed, sign

__all__ = ["MAX_BYTES", "Envelope", "Received", "decode", "is_signed", "parse_body", "receive", "sign"]
