"""How the helpdesk's metrics are measured: judges, a snippet, and people."""

from experiments.demo.helpdesk_judges import VERSION_2_DAYS
from experiments.demo.llms import GPT_4O_MINI, GPT_41_MINI, HAIKU, SONNET
from experiments.demo.reviewing import Asked, Said
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
    Setup(
        "tone_review", EvaluatorType.HUMAN, "tone", "How two people read the answer, each by themselves.", (
            Version(
                14, "",
                {
                    "guidelines": "Read only the answer, as the customer would.\n\nShort is not curt: it is curt "
                    "where a polite person would have added something. Pushy: it sells what nobody asked for.",
                    "reviewers": 2,
                },
            ),
        ),
    ),
)  # fmt: skip

REVIEWS = (
    Asked(
        "tone_review", "tone_judge", 24, 2, 26, {"ina": 24, "marco": 18}, (
            (["curt"], Said(["curt"], ["neutral"], "Would have wanted a word of regret here.")),
            (["friendly"], Said(["friendly"], ["neutral"], "Warm without overdoing it.")),
            (["pushy"], Said(["pushy"], ["friendly"], "Nobody asked for the offer.")),
            (["rude"], Said(["rude"], ["curt"], "This one went too far.")),
            (["neutral"], Said(["neutral"], ["friendly"], "Matter-of-fact.")),
        ),
        blind=True, doubtful=4, settled=1,
    ),
    Asked(
        "factuality_review", "factuality_judge", 14, 1, 3, {"ina": 6}, (
            (0.7, Said(1.0, 0.6, "All of it stands in the articles.")),
            (0.4, Said(0.5, 1.0, "One detail is loose, nothing is wrong.")),
            (0.0, Said(0.1, 0.5, "The article says otherwise.")),
        ),
        skipped="I do not know this carrier's rules: somebody from logistics, please.",
    ),
)  # fmt: skip
