"""The live stream as clients see it: frames over a socket."""
