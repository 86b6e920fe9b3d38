"""What a judge that was never asked may cost: from the lengths of the prompts that some of the records would make."""

import json
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from scoring.evaluators import definition_of
from scoring.inputs import inputs_of
from scoring.models import Evaluator
from scoring.prompts import TemplateProblem, render
from scoring.providers import config_of, usable_by
from scoring.secrets import UnreadableSecret

LOOKED_AT = 20  # records
CHARS_A_TOKEN = 4  # of English prose; other languages and code take more tokens
ANSWER_TOKENS = 120  # a few sentences of reasoning, and the value


def rough_cost(evaluator: Evaluator, record_ids: Sequence[UUID]) -> Decimal | None:
    """USD a record, the mean over some of these; None where no price of the model is known, or no prompt can be made.

    Nobody is asked. What it cannot know: cached parts, repair turns, models that think before they answer.
    """
    from scoring.judge import Judge, cost_of  # what speaks HTTP takes half a second to import: only where needed
    from scoring.llm import Reply

    definition = definition_of(evaluator.current, evaluator.type)
    provider = usable_by(evaluator.project_id).filter(pk=definition.provider_id).first()
    if provider is None:
        return None
    try:
        judge = Judge(definition, evaluator.metric, config_of(provider))
    except UnreadableSecret:
        return None
    always = len(judge.system(judge.fence)) + len(json.dumps(judge.schema))
    lengths = []
    inputs = inputs_of(evaluator.project_id, record_ids[:LOOKED_AT], trace=definition.needs_trace)
    for of_record in inputs.values():
        try:
            lengths.append(always + len(render(definition.evaluator_definition, of_record, judge.fence).text))
        except TemplateProblem:  # that record would cost nothing
            lengths.append(0)
    if not any(lengths):
        return None
    asked = [length for length in lengths if length]
    tokens = round(sum(asked) / len(asked) / CHARS_A_TOKEN)
    reply = Reply("", None, "", "", definition.model, tokens_in=tokens, tokens_out=ANSWER_TOKENS)
    cost = cost_of(judge.provider, definition.model, reply)
    return None if cost is None else cost * definition.samples * len(asked) / len(lengths)
