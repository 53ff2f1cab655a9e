"""One file a stream; each defines ``STREAM``."""
