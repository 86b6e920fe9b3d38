"""How the docs answerer's metrics are measured."""

from experiments.demo.llms import GEMINI_FLASH, GPT_41_MINI, SONNET
from experiments.demo.reviewing import Asked, Said
from experiments.demo.setups import Setup, Version, judge
from scoring.models import EvaluatorType

DETAIL = '''\
import re


def evaluate(output, expected):
    """Is the telling number of the expected answer in this one, or its longest word where it has no number?"""
    if not expected:
        return None
    told = re.findall(r"\\d+(?:[.,]\\d+)?", expected) or [max(re.findall(r"\\w+", expected), key=len)]
    found = [word for word in told if re.search(rf"(?<!\\w){re.escape(word)}(?!\\w)", output, re.IGNORECASE)]
    return {"score": len(found) == len(told), "reasoning": f"Looked for {', '.join(told)}."}
'''

EVALUATORS: tuple[Setup, ...] = (
    Setup(
        "correctness_judge", EvaluatorType.LLM, "answer_correctness", "Does it say what the expected answer says?", (
            judge(40, "", SONNET, "Compare the answer with this one: {{ expected }}"),
            judge(
                35, "Additions that are not asked for cost little.", SONNET,
                "Compare the facts of the answer with those of this one, which is right: {{ expected }}",
            ),
        ),
    ),
    Setup(
        "faithfulness_judge", EvaluatorType.LLM, "faithfulness", "Is every claim in the retrieved context?",
        (judge(35, "", SONNET, "Is every claim of the answer in the context?"),),
    ),
    Setup(
        "relevance_judge", EvaluatorType.LLM, "relevance", "Does the answer speak to the question?",
        (judge(35, "", GPT_41_MINI, "Does the answer speak to the question? A refusal is not rated.", "5: wholly."),),
    ),
    Setup(
        "answerable_judge", EvaluatorType.LLM, "answerable", "Does the retrieved context hold the answer?",
        (judge(35, "", GEMINI_FLASH, "Could the question be answered from the context?"),),
    ),
    Setup(
        "outcome_judge", EvaluatorType.LLM, "outcome", "Answered where it can be, refused where it cannot?",
        (judge(35, "", GPT_41_MINI, "Was the question answered, or refused, and rightly so?"),),
    ),
    Setup(
        "contains_detail", EvaluatorType.CODE, "has_detail", "Is the telling word or number there?",
        (Version(35, "", {"eval_code_snippet": DETAIL}),),
    ),
    Setup(
        "manual_check", EvaluatorType.HUMAN, "answer_correctness", "What somebody finds who knows the manual.",
        (Version(35, "", {"guidelines": "Look the answer up in the manual. 1: right. 0: a reader would do harm."}),),
    ),
)  # fmt: skip

REVIEWS = (
    Asked(
        "manual_check", "correctness_judge", 18, 2, 50, {"ina": 18, "marco": 18},
        ((0.7, Said(1.0, 0.5, "As the manual has it.")), (0.0, Said(0.0, 0.3, "The manual says otherwise."))),
        doubtful=4, settled=1,
    ),
)  # fmt: skip
