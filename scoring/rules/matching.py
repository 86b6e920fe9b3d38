"""The records that a rule's terms match, as a search and as a selection: for counting, testing and scoring past ones.

What the gates of `scoring.rules.gates` decide one by one is said here in the filter language, but for sampling.
"""

from dataclasses import replace
from datetime import tzinfo
from zoneinfo import ZoneInfo

from django.utils import timezone

from evalhub.models import Project, User
from records.filterlang import And, Node, in_words, joined, parse, quoted, to_text
from records.search import Search, ceiling_of
from records.selection import Selection, matching
from records.vocabulary import vocabulary_of
from scoring.models import Rule, RuleScope, SpansMode
from scoring.models.rule import RuleTerms

DAY = "created:>-24h"


def looks_at_roots(terms: RuleTerms) -> bool:
    """A whole trace is judged on its root."""
    return terms.scope == RuleScope.TRACE or terms.spans_mode == SpansMode.ROOT


def node_of(project: Project, terms: RuleTerms, since: str = "") -> Node:
    """All but the scope in one tree; `since` is one condition more, such as DAY. Raises FilterError."""
    more = [since]
    if terms.scope == RuleScope.SPAN and terms.spans_mode == SpansMode.NAMED:
        more.append(f"name IN ({', '.join(quoted(name) for name in terms.span_names)})")
    if not terms.include_experiments:
        more += ["experiment IS NULL", "-source:playground"]
    vocabulary = vocabulary_of(project)
    nodes = [parse(terms.filter, vocabulary), *(parse(text, vocabulary) for text in more if text)]
    return joined(*(node for node in nodes if node != And()))


def search_of(project: Project, terms: RuleTerms, since: str = "") -> Search:
    """Newest first. Raises FilterError."""
    node, zone = node_of(project, terms, since), ZoneInfo(project.time_zone)
    return Search(project.id, node, vocabulary_of(project), timezone.now(), zone, roots=looks_at_roots(terms))


def selection_of(rule: Rule, user: User | None, zone: tzinfo) -> Selection:
    """All that is there, for a scoring run; `zone` is the reader's, for the words. Raises FilterError."""
    project, node = rule.project, node_of(rule.project, rule)
    found = matching(
        project, user, to_text(node), not looks_at_roots(rule), timezone.now(), project.time_zone, ceiling_of()
    )
    said = in_words(node, zone)
    return replace(found, condition=f"where {said}" if said else "")
