"""Estimates with their intervals. Pure, and seeded where there is chance in it.

`rates` and `sizes` need the standard library alone, so any page may import them; the others bring numpy and scipy,
which are slow to load: import them where they are needed. All intervals are at 95 %.
"""
