"""Scoring runs: started, planned in slices, worked off in chunks, steered by people, counted from rows.

`starting` makes one, `planning` adds its pending scores, `working` claims and evaluates them, `steering` cancels,
pauses, resumes and retries, `ringing` tells workers, `healing` is for the sweeper. The rows are the truth throughout:
any job may run twice or be lost.
"""
