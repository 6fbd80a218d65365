"""A first run with something to see: an org, an installation, and what they went through."""
