"""A process that executes workflows. It meets the API only in the database."""
