"""Ports and settings, as the server tells them."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import TypedDict


class PortDict(TypedDict):
    port: int
    hostId: str
    purpose: str
    adwId: str


class PortListDict(TypedDict):
    ports: list[PortDict]


class SettingDict(TypedDict):
    name: str
    value: str | float | None
    origin: str
    about: str


class SettingListDict(TypedDict):
    settings: list[SettingDict]
