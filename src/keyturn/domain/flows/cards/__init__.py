"""The cards, a module a family.

Each declares what a card takes and gives; those that compute or steer do it here, in full.
"""
