"""Estimates with their intervals. Pure, and seeded where there is chance in it.

`rates` needs the standard library alone, so any page may import it; the others bring numpy and scipy, which take a
tenth of a second to load: import them where they are needed. All intervals are at 95 %.
"""
