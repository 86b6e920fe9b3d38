"""What a project's records come to over time: volume, errors, latency, tokens, cost, and each metric.

`scope` says which records, over which time and split how; `traffic`, `latency` and `values` measure it, each with its
own bounded query; `panels` turns what they found into estimates, charts and tables.
"""
