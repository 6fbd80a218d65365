"""Signed tokens: keys, client assertions, DPoP proofs, and what a signature proves.

Decides the claims and algorithms of each. Knows neither when one is needed nor how it is sent.
"""
