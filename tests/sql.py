"""The statements that a block of code sends to the database, and which of their tables no project narrows down."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import sqlglot
from sqlglot import exp

Node = tuple[int, str]  # a query within the statement, and what a table is called there

SOME_PROJECT: Node = (0, "some project")
QUERIES = (exp.Select, exp.Update, exp.Delete, exp.Insert)
PLAIN = (exp.Placeholder, exp.Parameter, exp.Literal)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Those of all connections of this process, once each. Below Django: ingest has a cursor of its own."""
    seen: dict[str, None] = {}
    execute = psycopg.Cursor.execute

    def noting(cursor: psycopg.Cursor, query: object, *args: object, **options: object) -> psycopg.Cursor:
        text = query.as_string(cursor) if isinstance(query, psycopg.sql.Composable) else query
        seen.setdefault(text.decode() if isinstance(text, bytes) else str(text))
        return execute(cursor, query, *args, **options)

    found: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", noting)
        yield found
    found += seen


def tables_of(sql: str) -> set[str]:
    """Without what a statement names itself, and without functions."""
    found: set[str] = set()
    for tree in _trees(sql):
        own = {cte.alias for cte in tree.find_all(exp.CTE)}
        found |= {table.name for table in tree.find_all(exp.Table) if table.name} - own
    return found


def unbound(sql: str, tables: set[str]) -> list[str]:
    """The names of those tables, as the statement calls them, whose project_id it does not say, neither as a value nor
    by way of another table's. An INSERT says it by naming the column."""
    return [name for tree in _trees(sql) for name in _unbound(tree, tables)]


def _trees(sql: str) -> list[exp.Expression]:
    text = re.sub(r"%(\(\w+\))?s", "$1", sql).replace("%%", "%")
    return [tree for tree in sqlglot.parse(text, dialect="postgres") if tree]


def _unbound(tree: exp.Expression, tables: set[str]) -> list[str]:
    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    missing: list[str] = []
    wanted: dict[Node, str] = {}
    for table in tree.find_all(exp.Table):
        if table.name not in tables or (table.name in named and not isinstance(table.parent, exp.Insert)):
            continue
        insert = table.find_ancestor(exp.Insert)
        if insert is not None and insert.this.find(exp.Table) is table:
            if "project_id" not in {column.name for column in insert.this.find_all(exp.Identifier)}:
                missing.append(f"INSERT INTO {table.name}")
        else:
            wanted[_node(table)] = table.name
    bound = _bound(tree)
    return missing + [f"{name} {alias}" for (query, alias), name in wanted.items() if (query, alias) not in bound]


def _bound(tree: exp.Expression) -> set[Node]:
    """Everything whose project_id follows from a value, over equalities that hold in any case."""
    links: dict[Node, set[Node]] = {}
    for equal in tree.find_all(exp.EQ):
        if _is_certain(equal):
            sides = [_side(side) for side in (equal.left, equal.right)]
            if all(sides):
                for one, other in (sides, sides[::-1]):
                    links.setdefault(one, set()).add(other)
    reached, ahead = set(), [SOME_PROJECT]
    while ahead:
        node = ahead.pop()
        if node not in reached:
            reached.add(node)
            ahead += links.get(node, ())
    return reached


def _side(side: exp.Expression) -> Node | None:
    side = side.unnest()
    while isinstance(side, exp.Cast):
        side = side.this
    if isinstance(side, PLAIN):
        return SOME_PROJECT
    if not isinstance(side, exp.Column) or side.name != "project_id":
        return None
    query = side.find_ancestor(*QUERIES)
    while query is not None:
        own = _tables(query)
        if not side.table and len(own) == 1:
            return (id(query), own[0])
        if side.table in own:
            return (id(query), side.table)
        query = query.find_ancestor(*QUERIES)
    return None


def _is_certain(equal: exp.EQ) -> bool:
    """Not one of several possibilities, nor of an outer join's far side alone."""
    above = equal.parent
    while isinstance(above, exp.And | exp.Paren):
        above = above.parent
    return isinstance(above, exp.Where | exp.Join)


def _tables(query: exp.Expression) -> list[str]:
    """What the tables of one query are called in it, those of its subqueries left out."""
    sources = [*query.find_all(exp.Table, exp.Subquery, exp.Lateral, exp.Unnest)]
    return [name for source in sources if source.find_ancestor(*QUERIES) is query and (name := source.alias_or_name)]


def _node(table: exp.Table) -> Node:
    return (id(table.find_ancestor(*QUERIES)), table.alias_or_name)
