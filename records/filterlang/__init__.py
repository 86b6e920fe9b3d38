"""The filter language: one grammar, one tree, one compiler to bound SQL, for page, API, rules and commands alike.

text -> `parse` -> tree -> `compile_sql`, `in_words`, `to_text`. Pure: the clock, the zone and the project's names are
arguments. Grammar, fields and rules are described to users in templates/records/filter_help.html.
"""

from records.filterlang.chips import Chip, chips, joined
from records.filterlang.compiler import Condition, compile_score_value, compile_sql
from records.filterlang.errors import FilterError
from records.filterlang.fields import MetricInfo, Vocabulary
from records.filterlang.names import Remark, names_scorers, unknown_names
from records.filterlang.parser import parse
from records.filterlang.printer import quoted, to_text
from records.filterlang.tree import And, Compare, Field, Node, Not, Or, Text, Value, clauses, compares
from records.filterlang.words import in_words

__all__ = [
    "And", "Chip", "Compare", "Condition", "Field", "FilterError", "MetricInfo", "Node", "Not", "Or", "Remark", "Text",
    "Value", "Vocabulary", "chips", "clauses", "compares", "compile_score_value", "compile_sql", "in_words", "joined",
    "names_scorers", "parse", "quoted", "to_text", "unknown_names",
]  # fmt: skip
