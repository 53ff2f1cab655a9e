"""Sites whose truth is known: made-up weather, the model, made-up measurements."""
