"""What an org holds, and the rules of its change."""
