"""Figures: what the rows of past incidents say about them. Pure functions over rows, apart from who reads and writes.

A middle value comes with how sure it is and out of how many; where there are too few to say, that is what is said.
"""
