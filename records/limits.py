"""Every bound on what comes in, in one place; each refusal names its limit."""

from evalhub.body import MAX_BODY_BYTES as MAX_BODY_BYTES  # after inflating

MAX_FIELD_BYTES = 10 * 1024 * 1024  # one of inputs, outputs, expected, as JSON
MAX_ITEMS = 1_000  # records in one post, and rows in one write transaction
MAX_METADATA_BYTES = 256 * 1024
MAX_NAME_CHARS = 1_000  # names, ids and other one-line texts
MAX_NAME_BYTES = 1_600  # of the same in UTF-8: with lower() of it an index entry of PostgreSQL (2,704) is not passed
MAX_ERROR_CHARS = 10_000
MAX_TAGS = 50
MAX_TAG_CHARS = 100
MAX_COMMENT_CHARS = 100_000  # the value of a comment score
MAX_NUMBER = 1e300  # of a numerical score, either way: a hundred million of them can be added up
MAX_JSON_DEPTH = 64
MAX_AHEAD_SECONDS = 5 * 60  # a client's clock may run ahead by so much; else the time of arrival counts
BLOB_BYTES = 64 * 1024  # files and data URLs over this are lifted out of the payload
SEARCH_TEXT_CHARS = 20_000  # of a record's inputs and outputs, each
