"""Judges to start from, in our own words; with the built-in evaluators they cover what the autoevals library has."""

from scoring.judge_templates import answers, contexts, references
from scoring.judge_templates.kinds import JudgeTemplate

__all__ = ["JUDGE_TEMPLATES", "JudgeTemplate"]

JUDGE_TEMPLATES: dict[str, JudgeTemplate] = {
    template.key: template
    for template in (
        references.FACTUALITY, references.ANSWER_CORRECTNESS, answers.ANSWER_RELEVANCE, answers.CLOSED_QUESTION,
        contexts.FAITHFULNESS, contexts.CONTEXT_PRECISION, contexts.CONTEXT_RECALL, contexts.CONTEXT_RELEVANCE,
        contexts.CONTEXT_ENTITIES, references.SUMMARY, references.TRANSLATION, references.SQL, references.BATTLE,
        answers.SAFETY, answers.MODERATION, answers.TONE, answers.POSSIBLE, answers.HUMOR,
    )
}  # fmt: skip
