"""How the SQL writer's metrics are measured. `run_both` is its test suite, which sends its own scores: no evaluator."""

from experiments.demo.llms import SONNET
from experiments.demo.setups import Setup, Version, judge
from scoring.models import EvaluatorType

ALIKE = '''\
from difflib import SequenceMatcher


def evaluate(output, expected):
    """The share of characters that both queries have in common."""
    alike = SequenceMatcher(None, expected, output, autojunk=False).ratio()
    return {"score": round(alike, 3), "reasoning": f"{alike:.0%} of the characters in common."}
'''
LINT = '''\
def evaluate(output, metadata):
    """What the database that was asked for would not understand."""
    found = []
    if metadata.get("dialect") == "sqlserver" and " LIMIT " in output.upper():
        found.append("limit clause")
    return found or ["none"]
'''
LINT_2 = LINT.replace(
    "    return found",
    """    if metadata.get("dialect") == "sqlite" and "INTERVAL" in output.upper():
        found.append("date arithmetic")
    return found""",
)

EVALUATORS: tuple[Setup, ...] = (
    Setup(
        "sql_equivalence", EvaluatorType.LLM, "execution_match", "Would both queries return the same rows?",
        (judge(35, "", SONNET, "Would this query return the same rows as this one: {{ expected }}"),),
    ),
    Setup(
        "sql_similarity", EvaluatorType.CODE, "similarity", "How alike the two texts are.",
        (Version(35, "", {"eval_code_snippet": ALIKE}),),
    ),
    Setup(
        "dialect_linter", EvaluatorType.CODE, "dialect_problems", "What the database would not understand.", (
            Version(40, "", {"eval_code_snippet": LINT}),
            Version(35, "Date arithmetic too.", {"eval_code_snippet": LINT_2}),
        ),
    ),
)  # fmt: skip
