"""A small runtime of our own: the model is asked by us and tools are ours, so no agent process is needed."""
