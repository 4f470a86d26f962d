"""Events as they happen: read once for each process, handed to all who follow."""
