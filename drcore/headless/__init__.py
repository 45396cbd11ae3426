"""A notebook without a screen."""
