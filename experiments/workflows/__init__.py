"""How a case becomes an output: `prompt` and `completion` ask a model (`asking`), a `custom` row waits for a client
that does. What validates an experiment before it is accepted is the same code that runs it."""
