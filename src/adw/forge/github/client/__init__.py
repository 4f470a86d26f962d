"""How requests get to GitHub and answers come back."""
