"""Static files under names that change with what is in them, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Our scripts import each other by their plain names, which are not there once all files have hashed ones."""

    support_js_module_import_aggregation = True
