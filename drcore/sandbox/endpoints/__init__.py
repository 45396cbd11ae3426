"""Where the sandbox is reached."""
