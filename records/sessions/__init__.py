"""Sessions: records of one thread, listed by what happened last, and read as one conversation. There is no table of
them: a session is its records."""
