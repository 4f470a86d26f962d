"""The only place that names concrete adapters: it builds the system from settings."""
