from __future__ import annotations

from tests.forge.conformance import ForgeConformance


class TestGitHubForge(ForgeConformance):
    """GitHub does what every forge must do."""
