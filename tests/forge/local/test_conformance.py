from __future__ import annotations

from tests.forge.conformance import ForgeConformance


class TestLocalForge(ForgeConformance):
    """The local forge does what every forge must do."""
