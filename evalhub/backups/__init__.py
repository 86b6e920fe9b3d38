"""Backups: the whole database, files of records among it, and the trial's secret key, in one file that `restore` reads.

Redis is left out: it holds nothing that the database does not know.
"""
