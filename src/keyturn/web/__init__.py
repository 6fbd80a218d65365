"""Pages for people: rendered at the server, usable without scripts, live where something moves.

A page reads and changes by the same use cases as the API, so it can do no more than its reader may.
"""
