"""The fleet file: projects, connections, rotations and what is around them, as one text."""
