"""Judges that hold an answer against the expected one."""

from scoring.judge_templates.kinds import QUESTION_AND_ANSWER, JudgeTemplate, grades, share, yes_or_no

REFERENCE = """
The reference answer, which is correct:
{{ expected }}
"""

FACTUALITY = JudgeTemplate(
    key="factuality",
    name="Factuality",
    description="Whether the answer agrees in its facts with the expected one.",
    evaluator_definition="Compare the facts of an answer with those of a reference answer. Wording, style, order and "
    "punctuation do not matter.\n\n" + QUESTION_AND_ANSWER + REFERENCE,
    rubric="agrees: both state the same facts.\n"
    "says the same otherwise: they differ, but in nothing that matters for the question.\n"
    "says more: all facts of the reference and further ones, none of them against it.\n"
    "says less: only some of the reference's facts, and nothing against it.\n"
    "contradicts: at least one fact cannot be true if the reference is.",
    metric=grades(
        "factuality", ("agrees", "says the same otherwise", "says more"),
        agrees=1, says_the_same_otherwise=1, says_more=0.6, says_less=0.4, contradicts=0,
    ),
    known_as=("Factuality",),
)  # fmt: skip

ANSWER_CORRECTNESS = JudgeTemplate(
    key="answer_correctness",
    name="Answer correctness",
    description="How many of the statements in answer and reference are shared by both.",
    evaluator_definition="Measure how correct an answer is. Take the answer and the reference apart into single "
    "statements. Count the statements that stand in both (right), in the answer alone (wrong), and in the reference "
    "alone (absent).\n\n" + QUESTION_AND_ANSWER + REFERENCE,
    rubric="right / (right + (wrong + absent) / 2), a number from 0 to 1. Name the three counts in the reasoning.",
    metric=share("answer_correctness"),
    known_as=("AnswerCorrectness",),
)

SUMMARY = JudgeTemplate(
    key="summary",
    name="Summary quality",
    description="Whether a summary is at least as good as the expected one.",
    evaluator_definition="Compare two summaries of one text. A good summary holds every main point, adds nothing that "
    "the text does not say, and is no longer than it needs to be.\n\n"
    "The text:\n{{ input }}\n\nThe summary to be judged:\n{{ output }}\n\nThe reference summary:\n{{ expected }}\n",
    rubric="better: the judged summary is clearly the better one.\nas good: neither is clearly better.\n"
    "worse: the reference is clearly the better one, or the judged summary says what the text does not.",
    metric=grades("summary_quality", ("better", "as good"), better=1, as_good=1, worse=0),
    known_as=("Summary", "Summarization"),
)

TRANSLATION = JudgeTemplate(
    key="translation",
    name="Translation",
    description="Whether a translation says what the original and an expert's translation say.",
    evaluator_definition="Judge a translation by an original and an expert's translation of it. Another choice of "
    "words is no mistake while meaning, register and names are kept.\n\n"
    "The original:\n{{ input }}\n\nThe translation to be judged:\n{{ output }}\n\n"
    "The expert's translation:\n{{ expected }}\n",
    rubric="true: a reader would learn the same from it as from the expert's. false: something is left out, added, or "
    "changed in meaning, or it is not in the expert's language.",
    metric=yes_or_no("translation"),
    known_as=("Translation",),
)

SQL = JudgeTemplate(
    key="sql",
    name="SQL equivalence",
    description="Whether a query gives the same rows as the expected one, whatever the data.",
    evaluator_definition="Decide whether two SQL queries always give the same result: the same columns in meaning, the "
    "same rows, and the same order where the question asks for one. Names of aliases, letter case and the form of "
    "joins do not matter.\n\nThe question:\n{{ input }}\n\nThe query to be judged:\n{{ output }}\n\n"
    "The reference query:\n{{ expected }}\n",
    rubric="true: no contents of the tables would tell the two apart. false: some would; name them in the reasoning, "
    "with NULLs, duplicates and empty tables in mind.",
    metric=yes_or_no("sql_equivalence"),
    known_as=("Sql",),
)

BATTLE = JudgeTemplate(
    key="battle",
    name="Pairwise battle",
    description="Which of two answers follows its instructions better: the output or the expected one.",
    evaluator_definition="Two answers were given to the same instructions. Decide which one follows them better. "
    "Neither its place here nor its length counts for an answer.\n\nThe instructions:\n{{ input }}\n\n"
    "Answer 1:\n{{ output }}\n\nAnswer 2:\n{{ expected }}\n",
    rubric="answer 1: it follows the instructions better.\ntie: no difference that matters.\n"
    "answer 2: it follows them better.",
    metric=grades("battle", ("answer 1",), answer_1=1, tie=0.5, answer_2=0),
    known_as=("Battle",),
)
