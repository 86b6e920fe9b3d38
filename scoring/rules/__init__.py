"""Online scoring: which new records get which evaluators.

`gates` decides about one record, purely; `facts` looks up what it needs of many; `editing` changes rules. `planning`
turns the outbox into pending scores, `working` evaluates them, `ringing` and `healing` see to it that both happen.
"""
