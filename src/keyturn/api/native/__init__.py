"""The routes that are Keyturn's own."""
