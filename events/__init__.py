"""What happened: messages, and the log that carries them."""
