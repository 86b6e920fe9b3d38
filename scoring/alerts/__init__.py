"""Alerts: what is measured by the monitor's own queries goes through the state machine, and who asked is told.

`editing` writes them, `states` decides (pure), `evaluating` is the sweeper's task, `delivering` empties the outbox,
`tidying` says what is wrong and forgets what is old.
"""
