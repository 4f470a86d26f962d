"""Measures one figure in this process: `python -m benchmarks.one NAME OUT`."""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
from pathlib import Path

from benchmarks.context import Context
from benchmarks.figures import FIGURES


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=list(FIGURES))
    parser.add_argument("out", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep", type=Path, default=None)
    arguments = parser.parse_args()
    module = importlib.import_module(f"benchmarks.figures.{arguments.name}")
    with tempfile.TemporaryDirectory(prefix="adw-bench-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        root.chmod(0o711)  # as root the database runs as another user, who must get through
        figure = module.measure(Context(root=root, quick=arguments.quick, keep=arguments.keep))
    arguments.out.write_text(json.dumps(figure.as_dict()), encoding="utf-8")


if __name__ == "__main__":
    main()
