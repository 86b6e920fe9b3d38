import sys
from importlib import import_module

from evalhub import wsgi


def test_a_server_process_loads_what_statistics_need_by_itself():
    assert wsgi.warm_up.function is import_module and wsgi.warm_up.daemon
    import_module(*wsgi.warm_up.args)
    assert "scipy.special" in sys.modules
