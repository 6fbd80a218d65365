"""The way out to the network, past the guard on addresses, and how much of an answer is read.

Decides nothing about what is asked, of whom, and what an answer means.
"""
