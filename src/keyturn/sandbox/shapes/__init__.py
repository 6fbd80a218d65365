"""How what an org holds looks in answers."""
