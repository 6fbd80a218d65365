"""Flows: what is written in their files, what each card does, and which card comes next.

Decides on values alone. Knows nothing of how a request is sent, a secret read, or a run kept.
"""
