"""One question to a model over real HTTP: how it is put, how its answer is read, and what a failure means."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from scoring import calls, learned, llm, outbound
from scoring.dialects import ProviderConfig, Rung
from scoring.failures import CallFailed, Final, Passing, Pauses, RateLimited
from scoring.learned import Learned
from scoring.limiter import Limits
from scoring.outbound import Answer
from tests.model_server import ModelServer, body, hang, model_server, page, raw, said, status

SCHEMA = {
    "type": "object",
    "properties": {"reasoning": {"type": "string"}, "value": {"type": "number", "minimum": 1, "maximum": 5}},
    "required": ["reasoning", "value"],
    "additionalProperties": False,
}
GOOD = {"reasoning": "Right.", "value": 4}
MESSAGES = [{"role": "system", "content": "You judge."}, {"role": "user", "content": "Judge this."}]
KEY = "sk-very-secret"


@pytest.fixture
def server(settings, monkeypatch):
    settings.PRIVATE_ADDRESSES = True
    learned.forget_all()
    monkeypatch.setattr(calls, "PAUSE_SECONDS", (0.0, 0.001))
    with model_server() as server:
        yield server


def config(server: ModelServer, **more: Any) -> ProviderConfig:
    return ProviderConfig(**{"id": 1, "base_url": server.url, "key": KEY} | more)


def ask(server: ModelServer, schema: Any = SCHEMA, times: int = 1, **more: Any) -> llm.Reply:
    """The last of several questions, one after the other."""
    given = config(server, **more.pop("config", {}))

    async def run() -> llm.Reply:
        remembered, limits = Learned(), Limits()
        async with outbound.session() as session:
            for _ in range(times):
                reply = await llm.ask(
                    session, given, MESSAGES, schema, **{"model": "m", "limits": limits, "learned": remembered} | more
                )
            return reply

    return asyncio.run(run())


def refusing(*words: str) -> Callable:
    """A server that does not know these fields, and says so as most do."""

    def answer(request):
        for word in words:
            if word in str(request.body):
                return status(400, message=f"Unsupported parameter: {word}")
        return None

    return answer


def test_a_question_goes_to_chat_completions_with_the_key_the_options_and_the_schema(server):
    server.answers.append(said(GOOD, model="m-2026"))
    reply = ask(server, options={"temperature": 0, "max_tokens": 50})
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert (request.body["model"], request.body["messages"]) == ("m", MESSAGES)
    assert (request.body["temperature"], request.body["max_tokens"]) == (0, 50)
    assert request.body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert (reply.parsed, reply.model, reply.finish) == (GOOD, "m-2026", "stop")
    assert (reply.tokens_in, reply.tokens_out, reply.estimated, reply.calls) == (100, 20, False, 1)


def test_without_a_schema_the_answer_is_text(server):
    server.answers.append(said("Hello."))
    reply = ask(server, schema=None)
    assert (reply.text, reply.parsed, reply.problem) == ("Hello.", None, "")
    assert "response_format" not in server.requests[0].body


def test_cached_tokens_are_told(server):
    server.answers.append(
        said(GOOD, {"prompt_tokens": 90, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 64}})
    )
    assert ask(server).tokens_cached == 64


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "many"}, {"prompt_tokens": -4, "completion_tokens": 2}])
def test_tokens_that_are_not_told_are_estimated_and_marked(server, usage):
    server.answers.append(said(GOOD, usage))
    reply = ask(server)
    assert reply.estimated
    assert reply.tokens_in == sum(len(message["content"]) for message in MESSAGES) // 4
    assert reply.tokens_out > 0


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({}, "/openai/v1/chat/completions"),
        ({"api_version": "2024-10-21"}, "/openai/deployments/m/chat/completions?api-version=2024-10-21"),
        ({"base_url": "/openai/deployments/d1"}, "/openai/deployments/d1/chat/completions?api-version=2024-10-21"),
        ({"base_url": "/openai/v1/"}, "/openai/v1/chat/completions"),
    ],
)
def test_azure_is_called_at_its_deployment_with_its_own_header(server, more, path):
    more = more | {"base_url": server.root + more.get("base_url", "")}
    reply = ask(server, config={"kind": "azure"} | more, options={"max_tokens": 9})
    (request,) = server.requests
    assert request.path == path
    assert request.headers["api-key"] == KEY
    assert "authorization" not in request.headers
    assert request.body["max_completion_tokens"] == 9
    assert "minimum" not in str(request.body), "Azure refuses a schema with bounds"
    assert reply.parsed


@pytest.mark.parametrize("base", ["", "/v1", "/v1/", "/v1/chat/completions"])
def test_a_base_url_may_be_written_in_any_of_the_usual_ways(server, base):
    ask(server, config={"base_url": server.root + base})
    assert server.requests[0].path == "/v1/chat/completions"


def test_a_server_without_a_key_gets_none(server):
    ask(server, config={"key": ""})
    assert "authorization" not in server.requests[0].headers


def test_anthropic_is_asked_and_read_in_its_own_way(server):
    server.answers.append(
        said(GOOD, {"input_tokens": 10, "output_tokens": 7, "cache_read_input_tokens": 90, "service_tier": "standard"})
    )
    reply = ask(server, config={"kind": "anthropic"})
    (request,) = server.requests
    assert request.path == "/v1/messages"
    assert (request.headers["x-api-key"], request.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert request.body["system"] == "You judge."
    assert request.body["messages"] == MESSAGES[1:]
    assert request.body["max_tokens"] > 0
    assert request.schema["properties"].keys() == SCHEMA["properties"].keys()
    assert reply.parsed == GOOD
    assert (reply.tokens_in, reply.tokens_cached, reply.tokens_out) == (100, 90, 7)


@pytest.mark.parametrize(("kind", "rung"), [("anthropic", "output_config"), ("openai", "response_format")])
def test_a_model_without_json_schema_is_made_to_call_a_tool(server, kind, rung):
    server.refuses = refusing(rung)
    assert ask(server, config={"kind": kind}).parsed
    tools = [request.body.get("tools") for request in server.requests]
    assert tools[0] is None
    assert tools[1] is not None


def test_the_ladder_ends_at_words_alone_and_its_end_is_remembered(server):
    server.refuses = refusing("response_format", "tools")
    server.answers += [status(400, message="no response_format"), status(422, message="no tools"), status(400)]
    server.answers.append(said(f"My answer:\n```json\n{GOOD!r}\n```".replace("'", '"')))
    assert ask(server).parsed == GOOD
    assert len(server.requests) == 4
    assert '"minimum": 1' in server.requests[3].body["messages"][0]["content"], "the schema stands in the prompt"
    server.answers.append(said(GOOD))
    assert ask(server).parsed == GOOD
    assert len(server.requests) == 5


def test_a_server_that_takes_a_schema_and_does_not_keep_to_it_is_asked_in_another_way(server):
    server.answers += [said("The value is 4."), said("Four."), said("4"), said(GOOD)]
    reply = ask(server)
    assert reply.parsed == GOOD
    assert (reply.calls, reply.tokens_in) == (4, 400), "all that it took counts"


def test_one_of_many_first_questions_finds_the_rung_and_the_others_wait(server):
    server.refuses = lambda request: (
        status(400, message="no") if set(request.body) & {"response_format", "tools"} else said(GOOD)
    )

    async def run() -> list[llm.Reply]:
        remembered, limits = Learned(), Limits()
        async with outbound.session() as session:
            asked = (
                llm.ask(session, config(server), MESSAGES, SCHEMA, model="m", limits=limits, learned=remembered)
                for _ in range(20)
            )
            return await asyncio.gather(*asked)

    assert all(reply.parsed == GOOD for reply in asyncio.run(run()))
    assert len(server.requests) == 3 + 20


def test_a_refusal_that_has_nothing_to_do_with_the_form_is_told_once_the_form_is_known(server):
    ask(server)
    server.answers.append(status(400, message="This model's maximum context length is 8192 tokens."))
    with pytest.raises(Final, match="maximum context length"):
        ask(server)
    assert len(server.requests) == 2


def test_a_form_that_is_no_longer_taken_is_found_anew(server):
    ask(server)
    server.refuses = refusing("response_format")
    assert ask(server).parsed
    assert "tools" in server.requests[-1].body


def test_when_every_form_is_refused_the_first_refusal_is_told(server):
    server.answers += [status(400, message="first"), *[status(400, message="later")] * 3]
    with pytest.raises(Final, match="first"):
        ask(server)


def test_a_form_is_shared_through_redis(server, settings):
    from redis.asyncio import Redis

    given = config(server, id=77)

    async def learn() -> None:
        async with Redis.from_url(settings.REDIS_URL) as redis:
            await Learned(redis).learn(given, "m", Rung.TOOL)

    async def recall() -> Rung | None:
        async with Redis.from_url(settings.REDIS_URL) as redis:
            return await Learned(redis).rung(given, "m")

    asyncio.run(learn())
    learned.forget_all()
    assert asyncio.run(recall()) == Rung.TOOL


def test_texts_become_vectors_in_their_order(server):
    rows = [{"index": 1, "embedding": [0.5, 1]}, {"index": 0, "embedding": [1, 0]}]
    server.answers += [body({"data": rows}), body({"data": rows[:1]}), body({"data": rows[:1]})]

    async def embed() -> list[list[float]]:
        async with outbound.session() as session:
            return await llm.embed(session, config(server), ["one", "other"], model="e")

    assert asyncio.run(embed()) == [[1.0, 0.0], [0.5, 1.0]]
    assert server.requests[0].path == "/v1/embeddings"
    assert server.requests[0].body == {"model": "e", "input": ["one", "other"]}
    with pytest.raises(Passing, match="does not hold 2 embeddings"):
        asyncio.run(embed())


# What fails.


@pytest.mark.parametrize("code", [500, 502, 503, 529, 408, 409])
def test_a_failure_in_passing_is_tried_once_more(server, code):
    server.answers += [status(code), said(GOOD)]
    assert ask(server).parsed == GOOD


def test_what_fails_twice_is_left_to_a_later_attempt(server):
    server.answers += [status(500, message="Boom")] * 2
    with pytest.raises(Passing, match="127.0.0.1 answered 500: Boom") as problem:
        ask(server)
    assert problem.value.retry
    assert len(server.requests) == 2


def test_a_refused_rate_is_waited_out(server):
    server.answers += [status(429, {"Retry-After": "0.05"}), status(429, {"Retry-After": "0"}), said(GOOD)]
    assert ask(server).parsed == GOOD


def test_a_rate_that_stays_refused_is_left_to_a_later_attempt(server):
    server.answers += [status(429, {"Retry-After": "0.01"})] * calls.REFUSED_TRIES
    with pytest.raises(RateLimited) as problem:
        ask(server)
    assert problem.value.retry_after == 0.01


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"Retry-After": " 0.5 "}, 0.5),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "86400"}, 60),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "1e999"}, None),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=9), usegmt=True)}, 9),
        ({"Retry-After": format_datetime(NOW + timedelta(days=9), usegmt=True)}, 60),
        ({"Retry-After": format_datetime(NOW - timedelta(days=9), usegmt=True)}, 0),
        ({"Retry-After": "Tue, 24 Nov 2026 12:00:04"}, 4),
        ({"Retry-After": "Tue, 99 Nov 2026 12:00:04 GMT"}, None),
        ({"Retry-After-Ms": "250", "Retry-After": "1"}, 0.25),
        ({"Retry-After-Ms": "x", "Retry-After": "1"}, 1),
    ],
)
def test_every_kind_of_retry_after_is_read(headers, seconds):
    from multidict import CIMultiDict

    assert calls.retry_after(Answer(429, CIMultiDict(headers), b""), NOW) == seconds


def test_a_date_counts_from_the_answers_own_date():
    later = NOW + timedelta(hours=5)  # the server's clock
    headers = {"Retry-After": format_datetime(later + timedelta(seconds=3)), "Date": format_datetime(later)}
    assert calls.retry_after(Answer(429, headers, b""), NOW) == 3


@pytest.mark.parametrize("code", [400, 404, 405, 413, 422])
def test_what_is_wrong_with_the_question_is_final(server, code):
    server.answers.append(status(code, message="Unknown model"))
    with pytest.raises(Final, match=f"answered {code}: Unknown model") as problem:
        ask(server, schema=None)
    assert not problem.value.retry
    assert not isinstance(problem.value, Pauses)
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [401, 403])
def test_a_wrong_key_pauses_and_is_not_quoted(server, code):
    server.answers.append(status(code, message=f"Incorrect API key provided: {KEY}"))
    with pytest.raises(Pauses, match="refuses the key") as problem:
        ask(server)
    assert KEY not in str(problem.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        status(429, message="You exceeded your current quota, please check your plan.", code="insufficient_quota"),
        status(400, message="Your credit balance is too low to access the API."),
        status(402, message="Insufficient Balance"),
    ],
)
def test_a_quota_that_is_used_up_pauses_and_is_not_tried_again(server, answer):
    server.answers.append(answer)
    with pytest.raises(Pauses, match="quota"):
        ask(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(), r"no JSON \(text/html\)"),
        (body(b'{"choices": [{"mess'), "no JSON"),
        (body({"choices": []}), "holds no choices"),
        (body({}), "holds no choices"),
        (body([]), "no JSON object"),
        (body({"choices": [{"index": 0}]}), "holds no message"),
        (body(b""), "no JSON"),
        (body({"error": {"code": 503, "message": "Upstream is away"}}), "answered 503: Upstream is away"),
        (raw(b"HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\n{", cut=True), "broke"),
        (raw(cut=True), "closed|broke"),
    ],
    ids=["html", "cut", "empty choices", "empty", "list", "no message", "no body", "error in 200", "reset", "nothing"],
)
def test_a_200_without_an_answer_in_it_may_pass(server, answer, words):
    server.answers += [answer, answer]
    with pytest.raises(Passing, match=words):
        ask(server)
    server.answers += [answer, said(GOOD)]
    assert ask(server).parsed == GOOD


def test_a_limit_told_inside_a_200_is_a_limit(server):
    server.answers += [body({"error": {"code": 429, "message": "Slow down"}}), said(GOOD)]
    assert ask(server).parsed == GOOD


def test_an_endless_answer_is_not_asked_for_again(server):
    server.answers.append(body(b"[" * 10_000_000))
    with pytest.raises(Final, match="more than"):
        ask(server)
    assert len(server.requests) == 1


def test_a_model_that_does_not_begin_to_answer_in_time_is_given_up(server):
    server.answers += [hang(), hang()]
    with pytest.raises(Passing, match=r"did not send its headers within 0\.1 s"):
        ask(server, timeout=0.1)


def test_a_name_that_does_not_exist_may_exist_later(server):
    with pytest.raises(Passing, match="models.invalid cannot be looked up"):
        ask(server, config={"base_url": "http://models.invalid/v1"})


def test_an_address_out_of_bounds_is_final(server):
    with pytest.raises(Final, match="never called"):
        ask(server, config={"base_url": "http://169.254.169.254/v1"})


def test_a_redirect_is_final_and_carries_no_key_away(server):
    server.answers.append(raw(b"HTTP/1.1 302 X\r\nLocation: http://elsewhere.invalid/\r\nContent-Length: 0\r\n\r\n"))
    with pytest.raises(Final, match="redirect"):
        ask(server, schema=None)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_model_that_refuses_says_so_in_the_reply(server, kind):
    server.answers.append(said("", refusal="I cannot help with that."))
    reply = ask(server, config={"kind": kind})
    assert (reply.finish, reply.text, reply.parsed) == ("refused", "I cannot help with that.", None)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_an_answer_cut_at_the_token_limit_is_said_to_be(server, kind):
    server.answers.append(said('{"reasoning": "It goes on and', finish="length"))
    reply = ask(server, config={"kind": kind})
    assert (reply.finish, reply.parsed) == ("length", None)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"reasoning": "x", "value": NaN}', "NaN is no JSON number"),
        ('{"reasoning": "x", "value": -Infinity}', "-Infinity is no JSON number"),
        ('{"reasoning": "x", "value": 1, "value": 5}', "'value' stands in the JSON object twice"),
    ],
)
def test_what_json_does_not_have_is_named(server, text, problem):
    server.answers.append(said(text))
    reply = ask(server)
    assert reply.parsed is None
    assert problem in reply.problem


@pytest.mark.parametrize(
    "text",
    [
        '{"reasoning": "Right.", "value": 4}',
        ' \n```json\n{"reasoning": "Right.", "value": 4}\n```\nThat is all {sic}.',
        '<think>{"value": 1} or not?</think>{"reasoning": "Right.", "value": 4}',
        'In {braces} first: {"reasoning": "Right.", "value": 4} and {"value": 2}',
    ],
)
def test_the_first_object_in_the_text_is_the_answer(server, text):
    server.answers.append(said(text))
    assert ask(server).parsed == GOOD


def test_nothing_of_the_key_is_in_a_config_that_is_printed(server):
    assert KEY not in repr(config(server))


def test_every_failure_says_whether_another_try_may_help():
    kinds = {kind.__name__: kind.retry for kind in (Passing, RateLimited, Final, Pauses)}
    assert kinds == {"Passing": True, "RateLimited": True, "Final": False, "Pauses": False}
    assert all(issubclass(kind, CallFailed) for kind in (Passing, Final))
