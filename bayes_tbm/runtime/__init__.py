"""What the process needs before any number is computed: precision, memory."""
