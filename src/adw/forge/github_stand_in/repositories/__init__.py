"""The bare repositories under the stand-in: what they hold, and how merges are made in them without a working tree."""
