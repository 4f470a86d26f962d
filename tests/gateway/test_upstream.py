from __future__ import annotations

import pytest

from adw.gateway import Credential, Upstream
from adw.kit.errors import ConfigurationError


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"api_key": "a", "auth_token": "b", "oauth_token": "c"}, "api_key"),
        ({"api_key": "", "auth_token": "b", "oauth_token": "c"}, "bearer"),
        ({"oauth_token": "c"}, "oauth"),
    ],
)
def test_the_credential_is_the_first_one_given(given, kind):
    credential = Credential.first_of(**given)

    assert credential is not None
    assert credential.kind == kind


def test_without_any_there_is_no_credential():
    assert Credential.first_of(api_key="", auth_token=None) is None


def test_a_credential_does_not_show_itself():
    assert "secret" not in repr(Upstream(credential=Credential(kind="api_key", value="secret")))


@pytest.mark.parametrize(
    ("url", "trusts"),
    [
        ("http://127.0.0.1:9", False),
        ("http://localhost:9", False),
        ("http://[::1]:9", False),
        ("https://api.anthropic.com", True),
        ("http://10.0.0.1", True),
    ],
)
async def test_proxies_of_the_environment_are_for_distant_upstreams_only(url, trusts):
    async with Upstream(base_url=url).client() as client:
        assert client.trust_env is trusts


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x", "http://", "http://[::1"])
def test_an_upstream_needs_an_address(url):
    with pytest.raises(ConfigurationError, match="ANTHROPIC_BASE_URL") as caught:
        Upstream(base_url=url).client()
    assert caught.value.hint
