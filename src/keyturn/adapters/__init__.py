"""The rooms that reach the world, one a neighbour, strangers to each other."""
