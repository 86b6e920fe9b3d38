"""What evaluators have come to, for their pages: `volumes` of all of them; of one the `sample` of its newest scores.

`summary`, `drawing`, `people` and `flips` follow from that sample. Those bring numpy and scipy, the other two do not:
import them where they are needed.
"""
