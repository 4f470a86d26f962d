"""A browser of this machine, asked for one picture of one page. Without a browser there are no pictures."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from adw.ports.launcher import Launch, Launcher

PICTURE_TIMEOUT_S = 30.0
MAX_PICTURE_BYTES = 10_000_000

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell")
_CACHES = (".cache/ms-playwright", "Library/Caches/ms-playwright")
_IN_CACHE = (
    "chromium_headless_shell-*/chrome-*/headless_shell",
    "chromium_headless_shell-*/chrome-*/chrome-headless-shell",
    "chromium-*/chrome-*/chrome",
    "chromium-*/chrome-*/Chromium.app/Contents/MacOS/Chromium",
)
_PNG = b"\x89PNG\r\n"
_SIZE = "1280,1600"
_SETTLING_MS = 4000
_ONLY_THIS_MACHINE = "MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1 , EXCLUDE [::1]"
_USES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE")


def find_browser(*, path: str, home: Path) -> Path | None:
    """A Chromium or Chrome on `path`, else the newest that a test tool has downloaded below `home`."""
    for name in _PROGRAMS:
        if found := shutil.which(name, path=path):
            return Path(found)
    cached = [file for cache in _CACHES for glob in _IN_CACHE for file in (home / cache).glob(glob)]
    usable = [file for file in cached if file.is_file() and os.access(file, os.X_OK)]
    return max(usable, key=lambda file: file.stat().st_mtime, default=None)


async def take_picture(launcher: Launcher, browser: Path, url: str, *, env: dict[str, str]) -> bytes | None:
    """The page as PNG; None when the browser gives none in time. The page can reach this machine alone."""
    with tempfile.TemporaryDirectory(prefix="adw-browser-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        picture = folder / "page.png"
        launch = Launch(argv=_arguments(browser, url, folder, picture), cwd=folder, env=_environment(env, folder))
        await launcher.run(launch, timeout_s=PICTURE_TIMEOUT_S, max_output_bytes=100_000)
        if not picture.is_file() or picture.stat().st_size > MAX_PICTURE_BYTES:
            return None
        content = picture.read_bytes()
    return content if content.startswith(_PNG) else None


def _arguments(browser: Path, url: str, folder: Path, picture: Path) -> tuple[str, ...]:
    # a browser's own sandbox cannot be set up by root; the supervisor's remains
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return (
        str(browser),
        "--headless",
        *as_root,
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-extensions",
        "--no-first-run",
        "--no-default-browser-check",
        "--hide-scrollbars",
        f"--host-resolver-rules={_ONLY_THIS_MACHINE}",
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={_SIZE}",
        f"--virtual-time-budget={_SETTLING_MS}",
        f"--screenshot={picture}",
        url,
    )


def _environment(env: dict[str, str], folder: Path) -> dict[str, str]:
    """A home of its own, and nothing of the project's settings."""
    kept = {name: env[name] for name in _USES if name in env}
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder)}
