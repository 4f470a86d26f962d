"""The demonstration: everything real but the model, in a folder of its own."""
