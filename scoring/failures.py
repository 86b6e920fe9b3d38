"""What can become of a call to a model, by what is to be done about it. The texts are fit to be stored and shown."""


class CallFailed(Exception):
    """`status` is HTTP's, where there was an answer."""

    retry = False

    def __init__(self, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Passing(CallFailed):
    """May go well another time, after `retry_after` seconds where the provider named them."""

    retry = True


class RateLimited(Passing):
    """Too many calls, or too many tokens; this one was not looked at."""


class ProviderDown(Passing):
    """Not called at all: half of the provider's last calls had failed. `retry_after` is when it is tried again."""


class Final(CallFailed):
    """The same call fails the same way another time."""


class Pauses(Final):
    """No call with this key will go well until a person has done something: the key is refused, the money is spent."""
