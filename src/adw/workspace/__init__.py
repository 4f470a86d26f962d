"""Adapters for the place work happens in: files, commands, ports."""
