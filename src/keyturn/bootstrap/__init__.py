"""Put the house together: the one place that knows every room.

Tests call the same functions and put simulators in where the world would be.
"""
