"""Use cases: each tells one story, passes the gate first, and acts through ports."""
