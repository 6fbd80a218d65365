"""How names with values are written down as text, and read back; what is read is what was written.

Knows no file, no server and no rule of ours: what serves secrets and what consumes them share it.
"""
