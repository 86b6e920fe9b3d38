import pytest

from records.ids import uuid7
from records.models import Record, Tag
from records.tagging import TagProblem, add_tags, remove_tags
from tests import factories
from tests.records.recount import rebuild, recount


def tags_of(record) -> list[str]:
    return Record.objects.get(project=record.project, id=record.id).tags


def test_tags_are_added_once_and_the_project_knows_them(project):
    one, two = factories.record(project, tags=["b"]), factories.record(project)
    assert add_tags(project.id, [one.id, two.id, uuid7()], [" a  x ", "b", "b"]) == 2
    assert add_tags(project.id, [one.id, two.id], ["b"]) == 0
    assert (tags_of(one), tags_of(two)) == (["b", "a x"], ["a x", "b"])
    assert list(Tag.objects.filter(project=project).values_list("name", flat=True)) == ["a x", "b"]


def test_removed_tags_stay_known(project):
    one, two = factories.record(project, tags=["a", "b", "c"]), factories.record(project, tags=["c"])
    add_tags(project.id, [one.id], ["b"])
    assert remove_tags(project.id, [one.id, two.id], ["b", "a", "never"]) == 1
    assert (tags_of(one), tags_of(two)) == (["c"], ["c"])
    assert Tag.objects.filter(project=project, name="b").exists()


def test_the_sample_has_the_records_tags(project):
    id = uuid7()
    record = factories.record(project, id=type(id)(int=id.int & ~0xFFFF))
    rebuild(project.id)
    add_tags(project.id, [record.id], ["a"])
    assert not any(recount(project.id).values())


def test_another_projects_records_are_not_touched(project):
    elsewhere = factories.record(factories.project(), tags=["keep"])
    assert add_tags(project.id, [elsewhere.id], ["new"]) == 0
    assert remove_tags(project.id, [elsewhere.id], ["keep"]) == 0
    assert tags_of(elsewhere) == ["keep"]


@pytest.mark.parametrize("tag", ["", "  ", "x" * 101, "a\x00b", 5])
def test_a_bad_tag_is_refused(project, tag):
    record = factories.record(project)
    with pytest.raises(TagProblem):
        add_tags(project.id, [record.id], ["good", tag])
    assert tags_of(record) == [] and not Tag.objects.exists()


def test_more_tags_than_a_record_may_have_change_nothing(project):
    full = factories.record(project, tags=[f"t{n}" for n in range(50)])
    empty = factories.record(project)
    with pytest.raises(TagProblem, match="1 would have more"):
        add_tags(project.id, [full.id, empty.id], ["one more"])
    assert tags_of(empty) == [] and len(tags_of(full)) == 50
