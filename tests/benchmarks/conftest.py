"""The benchmarks are a package at the root of the repository, which is no place that pytest imports from."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
