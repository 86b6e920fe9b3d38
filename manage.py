#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalhub.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        if sys.argv[1:2] == ["up"]:  # loads the apps itself, when it needs them: they are half of a start's time
            from evalhub.management.commands.up import Command

            Command().run_from_argv(sys.argv)
        else:
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:  # a value of the environment: its name and why, no traceback
        sys.exit(str(problem))
    except Exception as problem:
        from django.db import OperationalError, connection

        if not isinstance(problem, OperationalError) or connection.connection is not None:
            raise
        where = connection.settings_dict["HOST"] or "localhost"
        hint = (
            ""
            if os.environ.get("DATABASE_URL")
            else " Is `manage.py up` running? With `up --data X`, set EVALHUB_DATA=X."
        )
        sys.exit(f"There is no database at {where}.{hint}\n{str(problem).splitlines()[0]}")
