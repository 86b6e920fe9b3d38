import os
from importlib import import_module
from threading import Timer

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalhub.settings")
application = get_wsgi_application()

# Statistics bring numpy and scipy, a second to load. Each server process does so beside its first requests, so that the
# first page with a comparison or an interval does not wait for it; commands and workers never do unless they need them.
warm_up = Timer(2.0, import_module, ("experiments.comparison.verdicts",))
warm_up.daemon = True
warm_up.start()
