"""How the helpdesk's metrics are measured: judges, a snippet, and people."""

from experiments.demo.helpdesk_judges import VERSION_2_DAYS
from experiments.demo.llms import GPT_4O_MINI, GPT_41_MINI, HAIKU, SONNET
from experiments.demo.setups import Setup, Version, judge
from scoring.models import EvaluatorType

COUNT = '''\
def evaluate(output):
    """Words of the answer."""
    text = output.get("content", "") if isinstance(output, dict) else str(output)
    words = len(text.split())
    return {"score": words, "reasoning": f"{words} words."}
'''
COUNT_WITHOUT_COURTESY = '''\
import re

COURTESY = re.compile(r"(?i)[^.!?]*\\b(thank|thanks|sorry|apolog|happy to help|anything else)[^.!?]*[.!?]")


def evaluate(output):
    """Words of the answer, without sentences that only thank, apologise or offer more help."""
    text = output.get("content", "") if isinstance(output, dict) else str(output)
    words = len(COURTESY.sub("", text).split())
    return {"score": words, "reasoning": f"{words} words without courtesies."}
'''

EVALUATORS: tuple[Setup, ...] = (
    Setup(
        "factuality_judge", EvaluatorType.LLM, "factuality",
        "Is every claim of the answer supported by the articles and by what the tools returned?", (
            judge(28, "First version, on a small model.", GPT_4O_MINI, "Is the answer factually right?"),
            judge(
                VERSION_2_DAYS, "Larger model; every claim must name its source. Version 1 let too much pass.", SONNET,
                "Check each claim of the answer against the retrieved articles and the tools' results.",
                "1: every claim has a source. 0.7: a detail is loose, nothing is wrong. 0: a claim contradicts one.",
            ),
        ),
    ),
    Setup(
        "groundedness_judge", EvaluatorType.LLM, "groundedness", "How much of the answer has a source?",
        (judge(28, "", HAIKU, "Count the sentences of the answer that have a source.", "5: every sentence. 1: none."),),
    ),
    Setup(
        "resolution_judge", EvaluatorType.LLM, "resolved", "Will the customer have to write again about this?", (
            judge(40, "", GPT_41_MINI, "Is the request resolved?"),
            judge(36, "A promise to call back resolves nothing.", GPT_41_MINI, "Is the request resolved? Be strict."),
            judge(
                30, "Handing over to a person resolves it if that was asked for.", GPT_41_MINI,
                "Is the request resolved, so that the customer need not write again?",
            ),
        ),
    ),
    Setup(
        "tone_judge", EvaluatorType.LLM, "tone", "How does the answer sound to the customer?", (
            judge(40, "", GPT_4O_MINI, "How does the answer sound?"),
            judge(30, "Curt is not the same as short.", GPT_4O_MINI, "How does the answer sound to an upset customer?"),
        ),
    ),
    Setup(
        "answer_length", EvaluatorType.CODE, "answer_words", "Words of the answer; 30 fit the chat bubble.", (
            Version(28, "", {"eval_code_snippet": COUNT}),
            Version(0.1, "Courtesies do not count.", {"eval_code_snippet": COUNT_WITHOUT_COURTESY}),
        ),
    ),
    Setup(
        "factuality_review", EvaluatorType.HUMAN, "factuality", "What a reviewer finds when reading along.", (
            Version(
                28, "",
                {"guidelines": "Read the articles first. 1 if all is right, 0 if a customer would be misled."},
            ),
        ),
    ),
)  # fmt: skip
