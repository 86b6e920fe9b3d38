"""What experiments came to, and one against another: matched case by case, with a verdict for each metric.

`reading` brings rows and scores from the database in a fixed number of queries; all else here is pure. What uses numpy
or scipy (`results`, `verdicts`, `slices`) is slow to load: import it where it is needed.
"""
