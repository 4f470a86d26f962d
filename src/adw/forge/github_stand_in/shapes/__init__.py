"""How records look in GitHub's JSON."""
