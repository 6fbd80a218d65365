"""OAuth 2.0 as a client sees it: what servers ask for, what they answer, and when to ask again."""
