"""A server of the Model Context Protocol: an assistant may look at records, score them and compare experiments.

Its tools are calls of the API, made with the assistant's own key: the same scopes, limits and audit. The protocol is
the `mcp` package's, which is imported when the first assistant comes.
"""
