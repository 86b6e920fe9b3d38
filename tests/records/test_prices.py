from decimal import Decimal

import pytest
from django.utils import timezone

from records import prices
from records.drafts import RecordDraft
from records.models import ModelPrice, Source
from records.prices import cost_of, estimate_cost


@pytest.fixture(autouse=True)
def fresh_prices(db):
    prices.forget_own_prices()
    yield
    prices.forget_own_prices()


def test_a_known_model_costs_what_the_packaged_list_says():
    assert cost_of("openai", "gpt-4o-mini-2024-07-18", 1_000_000, 1_000_000) == Decimal("0.75")


@pytest.mark.parametrize("provider", ["", "openai", "azure.ai.openai", "some-gateway"])
def test_the_model_is_found_under_any_name_of_its_provider(provider):
    assert cost_of(provider, "gpt-4o-mini", 1_000_000, 0) == Decimal("0.15")


def test_a_model_named_with_its_provider_is_found():
    assert cost_of("", "openai/gpt-4o-mini", 1_000_000, 0) == Decimal("0.15")


@pytest.mark.parametrize(("provider", "model"), [("openai", "my-own-model"), ("", ""), ("ollama", "gpt-4o-mini")])
def test_an_unknown_model_has_no_cost(provider, model):
    assert cost_of(provider, model, 1_000, 1_000) is None


def test_without_tokens_there_is_no_cost():
    assert cost_of("openai", "gpt-4o-mini", None, None) is None


def test_no_tokens_used_cost_nothing():
    assert cost_of("openai", "gpt-4o-mini", 0, 0) == 0


def test_cached_and_cache_writing_tokens_have_their_own_price():
    cost = cost_of("anthropic", "claude-sonnet-4-5-20250929", 1_000, 100, 300, 100)
    assert cost == (600 * Decimal(3) + 300 * Decimal("0.3") + 100 * Decimal("3.75") + 100 * Decimal(15)) / 1_000_000


def test_cached_tokens_that_the_input_does_not_include_are_added_to_it():
    apart, whole = (cost_of("anthropic", "claude-sonnet-4-5", sent, 0, 1_000) for sent in (100, 1_100))
    assert apart == whole


def test_a_long_prompt_pays_the_tier_it_reaches():
    small = cost_of("google", "gemini-1.5-pro", 100_000, 0)
    assert cost_of("google", "gemini-1.5-pro", 200_000, 0) > 2 * small


def test_an_own_price_stands_before_the_list():
    ModelPrice.objects.create(model="gpt-4o-mini", input=1, output=2, cached_input=Decimal("0.5"))
    assert cost_of("openai", "gpt-4o-mini", 2_000_000, 1_000_000, 1_000_000) == Decimal("3.5")


def test_an_own_price_may_name_many_models_and_the_most_particular_one_counts():
    ModelPrice.objects.create(model="in-house-*", input=1, output=1)
    ModelPrice.objects.create(model="in-house-large", input=2, output=2)
    ModelPrice.objects.create(provider="lab", model="in-house-*", input=3, output=3)
    named = [("", "IN-house-v1"), ("", "in-house-large"), ("lab", "in-house-v1")]
    costs = [cost_of(provider, model, 1_000_000, 0) for provider, model in named]
    assert costs == [1, 2, 3]
    assert cost_of("", "another-in-house-v1", 1_000_000, 0) is None


def test_a_price_pattern_is_no_regular_expression():
    ModelPrice.objects.create(model="m.1*", input=1, output=1)
    assert cost_of("", "mx1", 1, 1) is None


def test_own_prices_are_read_once_for_many_costs(django_assert_num_queries):
    with django_assert_num_queries(1):
        for _ in range(5):
            cost_of("openai", "gpt-4o-mini", 1, 1)


def test_an_absurd_count_has_no_cost_instead_of_one_that_cannot_be_stored():
    ModelPrice.objects.create(model="dear", input=999_999, output=0)
    assert cost_of("", "dear", 2_000_000_000, 0) is None


def test_an_estimate_is_marked_and_never_replaces_a_sent_cost():
    draft = RecordDraft("a", Source.API, timezone.now(), model="gpt-4o-mini", tokens_in=1_000_000)
    estimate_cost(draft)
    assert (draft.cost, draft.cost_estimated) == (Decimal("0.15"), True)
    sent = RecordDraft("b", Source.API, timezone.now(), model="gpt-4o-mini", tokens_in=1_000_000, cost=Decimal(7))
    estimate_cost(sent)
    assert (sent.cost, sent.cost_estimated) == (7, False)
