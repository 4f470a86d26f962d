"""Small repositories whose set-up, build and tests need nothing but `sh`."""

from __future__ import annotations

import os
import subprocess

SETTINGS = """
[commands]
setup = false
test = { run = "sh run-tests.sh", junit = "build/report.xml", timeout_s = 20 }
"""

RUN_TESTS = """
mkdir -p build
failed=0
{
  echo '<testsuite name="checks">'
  for check in checks/*.sh; do
    [ -e "$check" ] || continue
    name=$(basename "$check" .sh)
    if said=$(sh "$check" 2>&1); then
      echo "<testcase classname='checks' name='$name'/>"
    else
      echo "<testcase classname='checks' name='$name'><failure message='failed'>$said</failure></testcase>"
      failed=1
    fi
  done
  echo '</testsuite>'
} > build/report.xml
exit $failed
"""

GREETS = {
    "adw.toml": SETTINGS,
    ".gitignore": "build/\n",
    "run-tests.sh": RUN_TESTS,
    "greeting.txt": "hello\n",
    "checks/greets.sh": "grep -q hello greeting.txt\n",
}


def make_repository(folder, files=None, *, branch="main"):
    """A repository with one commit on `branch`. `files` are laid over the greeting project; None takes one away."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", branch)
    write_files(folder, {name: text for name, text in (GREETS | (files or {})).items() if text is not None})
    commit(folder, "Greet people")
    return folder


def write_files(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def commit(folder, message):
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


def git(folder, *words):
    """Standard output of a git command that a person runs there."""
    person = {"GIT_AUTHOR_NAME": "Person", "GIT_AUTHOR_EMAIL": "person@example.com"}
    own = person | {"GIT_COMMITTER_NAME": "Person", "GIT_COMMITTER_EMAIL": "person@example.com"}
    env = {**os.environ, **own, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", "-C", folder, *words], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
