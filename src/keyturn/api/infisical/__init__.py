"""The routes that Infisical's clients know."""
