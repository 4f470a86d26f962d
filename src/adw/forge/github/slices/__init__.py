"""The parts of GitHub's answers that we read. They survive fields that are new, missing or null."""
