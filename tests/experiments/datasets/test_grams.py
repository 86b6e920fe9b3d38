"""A text is found by three letters of its words, wherever in it they stand."""

import pytest

from experiments.datasets.grams import grams

ITEM = "case-7: grüße an order_12, “late delivery”. 顧客の注文 😀😀😀 x\n\tyz"


@pytest.mark.parametrize("part", ["grü", "rüße an ord", "r_12", "late deliv", "y”. ", "客の注文", "e-7: g", "se", "😀"])
def test_the_parts_of_a_text_have_no_letters_that_it_has_not(part):
    assert part in ITEM
    assert set(grams(1, part)) <= set(grams(1, ITEM))


@pytest.mark.parametrize("text", ["later", "gruße", "order_13", "注文の", "late border"])
def test_another_text_has(text):
    assert not set(grams(1, text)) <= set(grams(1, ITEM))


def test_they_are_numbers_that_postgresql_takes_and_every_dataset_has_its_own():
    one, other = grams(2**40, ITEM), grams(2, ITEM)
    assert len(one) == len(other) == len(set(one)) and not set(one) & set(other)
    assert all(-(2**31) <= number < 2**31 for number in one) and one == sorted(one)
    assert grams(1, "") == grams(1, "ab") == grams(1, "a b c d") == []
