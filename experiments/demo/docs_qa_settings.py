"""Docs content: the settings reference of "Driftbox". Each setting gives two or three questions."""

from typing import NamedTuple


class Setting(NamedTuple):
    """`near` is a value from elsewhere on the page that a careless reader gives instead of the default."""

    name: str
    default: str
    near: str
    what: str
    restart: bool


SETTINGS = (
    Setting("upload.chunk_size", "8 MB", "64 MB", "the size of the pieces in which large files are sent", False),
    Setting("upload.max_file_size", "20 GB", "8 MB", "the largest file that is accepted", False),
    Setting("upload.parallel", "4", "16", "how many pieces a client sends at the same time", False),
    Setting("sync.interval", "30 seconds", "5 minutes", "how often a client asks for changes without a push", False),
    Setting("sync.conflict_copies", "10", "3", "how many conflict copies of a file are kept", False),
    Setting("sync.ignore_file", ".driftignore", ".gitignore", "the name of the file with patterns to leave out", False),
    Setting("versions.keep", "50", "10", "how many old versions of a file are kept", False),
    Setting("versions.max_age", "180 days", "30 days", "how long old versions are kept", False),
    Setting("trash.retention", "30 days", "180 days", "how long deleted files can be restored", False),
    Setting("share.link_lifetime", "14 days", "30 days", "how long a public link works", False),
    Setting("share.require_password", "false", "true", "whether public links need a password", False),
    Setting("auth.session_lifetime", "12 hours", "14 days", "how long somebody stays signed in", False),
    Setting("auth.max_attempts", "6", "10", "after how many wrong passwords an account is locked", False),
    Setting("auth.lock_minutes", "15", "60", "how long an account stays locked", False),
    Setting("auth.two_factor", "optional", "required", "whether a second factor is needed to sign in", False),
    Setting("server.port", "7700", "8080", "the port that the server listens on", True),
    Setting("server.workers", "twice the number of cores", "4", "how many processes answer requests", True),
    Setting("server.trusted_proxies", "none", "all", "which proxies are believed about the client's address", True),
    Setting("server.request_timeout", "60 seconds", "30 seconds", "after how long a request is given up", True),
    Setting("storage.path", "/var/lib/driftbox", "/srv/files", "where files are kept", True),
    Setting("storage.encryption", "aes-256-gcm", "none", "how files are encrypted on the disk", True),
    Setting("storage.deduplicate", "true", "false", "whether equal pieces are kept only once", True),
    Setting("database.pool_size", "20", "4", "how many database connections a process opens at most", True),
    Setting("search.languages", "en", "en, de, fr", "for which languages the full-text index is made", True),
    Setting("search.index_pdf", "true", "false", "whether the text of PDF files is indexed", True),
    Setting("log.level", "info", "warning", "how much is logged", False),
    Setting("log.retention", "90 days", "30 days", "how long the audit log is kept", False),
    Setting("mail.from", "driftbox@localhost", "the admin's address", "the sender of the server's e-mails", False),
    Setting("preview.max_size", "50 MB", "20 GB", "the largest file that a preview is made for", False),
    Setting("quota.default", "10 GB", "50 MB", "how much a new user may store", False),
)
