"""Judges of answers that were to be drawn from a context, and of that context."""

from scoring.judge_templates.kinds import CONTEXT, QUESTION_AND_ANSWER, JudgeTemplate, share

EXPECTED = "\nThe expected answer:\n{{ expected }}\n"
QUESTION = "The question:\n{{ input }}\n\n"

FAITHFULNESS = JudgeTemplate(
    key="faithfulness",
    name="Faithfulness",
    description="How much of the answer follows from the context it was given.",
    evaluator_definition="Check an answer against its context. Take the answer apart into single statements, and for "
    "each decide whether it follows from the context alone. What is merely true elsewhere does not follow.\n\n"
    + QUESTION_AND_ANSWER + "\n" + CONTEXT,
    rubric="Statements that follow / all statements, from 0 to 1. Name in the reasoning each one that does not. An "
    "answer without a statement, such as a refusal, is 1.",
    metric=share("faithfulness", 0.9),
    known_as=("Faithfulness",),
)  # fmt: skip

CONTEXT_PRECISION = JudgeTemplate(
    key="context_precision",
    name="Context precision",
    description="How much of what was retrieved is of use for the expected answer.",
    evaluator_definition="Judge what was retrieved for a question. For each passage of the context, in order, decide "
    "whether it helps to arrive at the expected answer.\n\n" + QUESTION + CONTEXT + EXPECTED,
    rubric="For each helpful passage take the share of helpful ones among it and all before it; the value is the mean "
    "of these, from 0 to 1, and 0 if none helps.",
    metric=share("context_precision"),
    known_as=("ContextPrecision",),
)

CONTEXT_RECALL = JudgeTemplate(
    key="context_recall",
    name="Context recall",
    description="How much of the expected answer can be found in what was retrieved.",
    evaluator_definition="Judge whether enough was retrieved for a question. Take the expected answer apart into "
    "sentences, and for each decide whether the context supports it.\n\n" + QUESTION + CONTEXT + EXPECTED,
    rubric="Supported sentences / all sentences, from 0 to 1. Name in the reasoning what has no support.",
    metric=share("context_recall"),
    known_as=("ContextRecall",),
)

CONTEXT_ENTITIES = JudgeTemplate(
    key="context_entity_recall",
    name="Context entity recall",
    description="How many of the names, numbers and dates of the expected answer were retrieved.",
    evaluator_definition="List the entities of the expected answer: people, places, organisations, products, numbers, "
    "dates. For each decide whether the context names it, in whatever form.\n\n" + QUESTION + CONTEXT + EXPECTED,
    rubric="Entities that the context names / all entities, from 0 to 1; 1 if the expected answer has none.",
    metric=share("context_entity_recall"),
    known_as=("ContextEntityRecall",),
)

CONTEXT_RELEVANCE = JudgeTemplate(
    key="context_relevance",
    name="Context relevance",
    description="How much of what was retrieved is about the question at all.",
    evaluator_definition="Judge whether a context is to the point. Take it apart into sentences, and for each decide "
    "whether somebody who answers the question would need it.\n\n" + QUESTION + CONTEXT,
    rubric="Needed sentences / all sentences, from 0 to 1.",
    metric=share("context_relevance", 0.5),
    known_as=("ContextRelevancy",),
)
