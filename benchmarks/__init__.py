"""Measurements of the program, each beside a baseline run in the same session. Run as `python -m benchmarks`."""
