"""Running experiments: asked for (`wanted`), `checking` before anything is accepted, `starting`, then worked off.

`cases` looks at each case, `planning` makes the rows of existing records, `rows` are claimed and held, `generating`
makes their outputs, `scores` hands them to scoring runs and settles what came back, `working` is a job's turn of all
that. `steering` cancels, retries and scores again, `expiring` ends what no client has submitted, `healing` is for the
sweeper. The rows are the truth throughout: any job may run twice or be lost.
"""
