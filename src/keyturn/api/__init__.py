"""The HTTP edge: requests in, use cases called, answers and problems out; it decides nothing."""
