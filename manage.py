#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalhub.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    # The gate's exit codes speak: 1 would say that it fails, 3 says that it could not be judged.
    failed = 3 if sys.argv[1:2] == ["gate"] else 1
    try:
        if sys.argv[1:2] == ["up"]:  # loads the apps itself, when it needs them: they are half of a start's time
            from evalhub.management.commands.up import Command

            Command().run_from_argv(sys.argv)
        else:
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:  # a value of the environment: its name and why, no traceback
        print(problem, file=sys.stderr)
        sys.exit(failed)
    except Exception as problem:
        from django.db import OperationalError, connection

        if not isinstance(problem, OperationalError) or connection.connection is not None:
            if failed == 1:
                raise
            sys.excepthook(type(problem), problem, problem.__traceback__)
            sys.exit(failed)
        where = connection.settings_dict["HOST"] or "localhost"
        hint = (
            ""
            if os.environ.get("DATABASE_URL")
            else " Is `manage.py up` running? With `up --data X`, set EVALHUB_DATA=X."
        )
        print(f"There is no database at {where}.{hint}\n{str(problem).splitlines()[0]}", file=sys.stderr)
        sys.exit(failed)
