from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from adw.kit.process import clean_environment


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TZ", "TMPDIR"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "no_proxy"),
        *("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY", "npm_config_registry"),
    ],
)
def test_what_a_build_needs_passes(name):
    assert clean_environment({name: "/x"}, {}) == {name: "/x"}


@pytest.mark.parametrize(
    "name",
    [
        *("DATABASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR", "GITHUB_TOKEN", "GH_TOKEN"),
        *("ADW_API_TOKEN", "ADW_DATA_DIR", "ORCHESTRATOR_MODEL", "R2_BUCKET", "S3_BUCKET", "AWS_PROFILE"),
        *("ERROR_WEBHOOK_URL", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "LD_PRELOAD"),
        *("UV_PUBLISH_TOKEN", "PIP_PASSWORD", "NPM_CONFIG__AUTH", "npm_config_//registry/:_authToken", "UV_API_KEY"),
        *("PIP_CLIENT_SECRET", "SSH_AUTH_SOCK", "PGPASSWORD", "SOMETHING_ELSE", "path"),
    ],
)
def test_nothing_else_passes_unless_it_is_added(name):
    assert clean_environment({name: "x"}, {}) == {}
    assert clean_environment({name: "x"}, {name: "y"}) == {name: "y"}


def test_our_own_tools_are_not_on_the_path_of_a_project(tmp_path):
    ours = str(Path(sys.prefix) / "bin")
    link = tmp_path / "link"
    link.symlink_to(ours)
    path = os.pathsep.join([ours, "/usr/bin", str(link), "", "/bin"])
    assert clean_environment({"PATH": path}, {})["PATH"] == f"/usr/bin{os.pathsep}/bin"


def test_the_system_s_own_folder_stays_on_the_path(monkeypatch):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    path = str(Path(sys.base_prefix) / "bin")
    assert clean_environment({"PATH": path}, {})["PATH"] == path
