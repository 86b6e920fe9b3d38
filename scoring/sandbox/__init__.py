"""Where code evaluators run: a jail of plain CPython, or nowhere.

`sandbox` is what scoring uses, `jail` the host's end of it, `inside/` what runs on the other side of the walls.
"""

from scoring.sandbox.jail import SandboxOff as SandboxOff
from scoring.sandbox.outcomes import Problem as Problem
from scoring.sandbox.outcomes import RowOutcome as RowOutcome
from scoring.sandbox.sandbox import Sandbox as Sandbox
from scoring.sandbox.selftest import SandboxReport as SandboxReport
