"""The Python door: `tracer.cassette`, `tracer.record` and `tracer.diff`.

Both context managers work with `with` and `async with`, and as decorators of plain, async and generator functions.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tracer import workflows
from tracer.config import ambient_kinds
from tracer.errors import BehaviourChanged, TracerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from tracer.compare.result import Comparison
    from tracer.errors import CallNotRecorded
    from tracer.rules import Rule

    _Function = TypeVar("_Function", bound=Callable[..., Any])


class _Around(ABC):
    """What both context managers share: the ways to stand around a block or a function."""

    @abstractmethod
    def _fresh(self) -> _Around:
        """Return one more like this, for one call of a decorated function."""

    @abstractmethod
    def _open(self) -> None:
        """Begin."""

    @abstractmethod
    def _close(self, *, failed: bool) -> None:
        """End; `failed` says that an exception leaves the block."""

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close(failed=kind is not None)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: _Function) -> _Function:
        """Return the function with this around each of its calls."""
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def around_coroutine(*args: Any, **kwargs: Any) -> Any:
                with self._fresh():
                    return await function(*args, **kwargs)

            return around_coroutine  # type: ignore[return-value]
        if inspect.isasyncgenfunction(function):

            @wraps(function)
            def around_async_generator(*args: Any, **kwargs: Any) -> Any:
                return _driven(self._fresh(), function(*args, **kwargs))

            return around_async_generator  # type: ignore[return-value]
        if inspect.isgeneratorfunction(function):

            @wraps(function)
            def around_generator(*args: Any, **kwargs: Any) -> Any:
                with self._fresh():
                    return (yield from function(*args, **kwargs))

            return around_generator  # type: ignore[return-value]

        @wraps(function)
        def around_call(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return around_call  # type: ignore[return-value]


async def _driven(around: _Around, inner: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
    """Stand around an async generator: pass on what is sent and thrown in, and close it where this is closed."""
    with around:
        try:
            step = inner.__anext__()
            while True:
                try:
                    item = await step
                except StopAsyncIteration:
                    return
                try:
                    sent = yield item
                except GeneratorExit:
                    raise
                except BaseException as error:  # noqa: BLE001  (whatever was thrown in belongs to the inner one)
                    step = inner.athrow(error)
                else:
                    step = inner.asend(sent)
        finally:
            await inner.aclose()


class Recording(_Around):
    """Records the calls of a block into a file. Use it as `tracer.record`.

    Args:
        path: the cassette to write, or a URL to send it to; replaced only when the block ends without an exception.
        boundaries: prefixes whose interfaces are watched; the settings', else the project's own modules.
        timings: take the time of each call as well, into a file beside the cassette; also where the settings say so.
        detail: "full" to look at every crossing, so that each call can be replayed; "sampled"; the settings' else.
        detail_calls: how many calls of a callable are kept in detail in each lane; of those after them sums are. 0 keeps all; the settings' else.
        ambient: what watched code reads of its surroundings that is recorded too: "all", "none", or names as "time" and "random".
        ambient_from: a cassette, by path or URL, whose reads of the surroundings are played back.

    Raises:
        ConfigError: there is no such detail, no such kind of read, or the cassette to play back holds none.
        RecordingError: at the end of the block, when no call was captured.
        CassetteError: at the end, when it cannot be written; what was made for a URL and could not be sent is kept here.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        boundaries: Sequence[str] | None = None,
        detail: str | None = None,
        detail_calls: int | None = None,
        timings: bool = False,
        ambient: str | Sequence[str] | None = None,
        ambient_from: str | Path | None = None,
    ) -> None:
        self._path = path
        self._place = workflows.place_of(path)
        self.path = self._place if isinstance(self._place, Path) else Path(self._place.name)
        self._options: dict[str, Any] = {
            "boundaries": boundaries,
            "detail": detail,
            "detail_calls": detail_calls,
            "timings": timings,
            "ambient": ambient,
            "ambient_from": ambient_from,
        }
        self._session: workflows.Session | None = None

    def _fresh(self) -> Recording:
        return Recording(self._path, **self._options)

    def _open(self) -> None:
        options = self._options
        played = () if options["ambient_from"] is None else (workflows.place_of(options["ambient_from"]),)
        with ExitStack() as stack, workflows.here(*played) as played_from:
            self._target = stack.enter_context(workflows.written(self._place))
            self._session = workflows.open_session(
                self._target,
                options["boundaries"],
                detail=options["detail"],
                detail_calls=options["detail_calls"],
                timings=options["timings"],
                ambient=_kinds(options["ambient"]),
                ambient_from=played_from[0] if played_from else None,
            )
            self._written = stack.pop_all()

    def _close(self, *, failed: bool) -> None:
        session, self._session = self._session, None
        with suppress(TracerError) if failed else nullcontext(), self._written:
            pending = _closed(session, failed=failed)
            if pending is not None:
                workflows.keep(pending, self._target)


class Cassette(_Around):
    """Records the calls of a block the first time and compares with what was recorded from then on. Use it as `tracer.cassette`.

    Args:
        name: the cassette's name, `checkout` or `orders/checkout`: a file below the cassette folder.
        boundaries: prefixes whose interfaces are watched; the settings', else the project's own modules.
        mode: "once" records when there is no cassette and compares otherwise; "none" never records: a missing cassette is an
            error; "new_episodes" takes added calls into the cassette and compares the others; "all" records again;
            "off" does nothing. Default: the environment variable TRACER_MODE, the settings' mode, "once".
        fail_on: the lowest severity that raises; the settings', else "changed".
        folder: the folder of the cassettes; the settings', else `cassettes` in the project.
        rules: which differences do not count, beside those of the settings and those learned.
        ambient: what watched code reads of its surroundings that is recorded too, "all", "none", or names as "time" and "random"; the
            settings', else nothing. What the cassette holds of it is played back when the block runs again.
        on_outcome: called with "recorded", "compared", "changed" or "replaced" at the end.
        on_doubt: called at the end with a sentence for each thing that makes the recording say less than it seems to: a boundary that matched
            no module, one that nothing called, calls that tracer failed to keep.

    After the block `comparison` holds what comparing found, None where nothing was compared.

    Raises:
        BehaviourChanged: at the end of a block that ended without an exception, when it behaved otherwise than recorded.
        CassetteNotFound: in mode "none", when there is no cassette.
        RecordingError: at the end of the block, when no call was captured.
    """

    def __init__(
        self,
        name: str,
        *,
        boundaries: Sequence[str] | None = None,
        mode: str | None = None,
        fail_on: str | None = None,
        folder: str | Path | None = None,
        rules: Sequence[Rule] = (),
        ambient: str | Sequence[str] | None = None,
        on_outcome: Callable[[str], None] = lambda outcome: None,
        on_doubt: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.name = name
        self.comparison: Comparison | None = None
        self._options: dict[str, Any] = {
            "boundaries": boundaries,
            "mode": mode,
            "fail_on": fail_on,
            "folder": folder,
            "rules": tuple(rules),
            "ambient": ambient,
            "on_outcome": on_outcome,
            "on_doubt": on_doubt,
        }
        self._session: workflows.Session | None = None

    def _fresh(self) -> Cassette:
        return Cassette(self.name, **self._options)

    def _open(self) -> None:
        config = workflows.settings()
        self._mode = workflows.cassette_mode(self._options["mode"], config)
        folder = _folder(self._options["folder"]) or config.cassette_folder
        self.path = workflows.cassette_path(self.name, folder).absolute()
        workflows.note_use(self.path, config)
        if self._mode == "off":
            return
        if self._mode == "none":
            workflows.require(self.path)
        self._fail_on = workflows.severity(self._options["fail_on"] or config.fail_on)
        workflows.check_accepted(self.path)
        kinds = _kinds(self._options["ambient"])
        played = self._mode != "all" and self.path.exists() and (kinds is None or bool(kinds))
        holds = workflows.kinds_of(self.path) if played else ()
        self._session = workflows.open_session(
            self.path,
            self._options["boundaries"],
            block=True,
            ambient=holds or kinds,
            ambient_from=self.path if holds else None,
        )

    def _close(self, *, failed: bool) -> None:
        session, self._session = self._session, None
        pending = _closed(session, failed=failed)
        if session is not None and pending is not None:
            self._settle(session, pending)

    def _settle(self, session: workflows.Session, pending: Path) -> None:
        """Record, replace or compare, as the mode says."""
        tell = self._options["on_outcome"]
        for sentence in session.doubts:
            self._options["on_doubt"](sentence)
        existed = self.path.exists()
        if self._mode == "all" or not existed:
            workflows.keep(pending, self.path)
            tell("replaced" if existed else "recorded")
            return
        terms = workflows.Terms(rules=tuple(self._options["rules"]), allow_imports=True)
        compared = workflows.diff(self.path, pending, terms=terms)
        self.comparison = replace(compared, notes=(*compared.notes, *session.told, *session.doubts))
        findings = workflows.findings_against(self.comparison, self._fail_on, self._mode)
        if findings:
            tell("changed")
            session.ignore_pending()
            raise BehaviourChanged(self.comparison, workflows.failure_text(self.comparison, self.path, pending))
        workflows.settle_equal(self.comparison, pending, self.path, self._mode)
        tell("compared")


class Playback(_Around):
    """Answers the calls into some components from a cassette, in all threads of the process. Use it as `tracer.playback`.

    Args:
        cassette: the cassette's name, `orders/checkout`, a file below the cassette folder; one that ends in `.cassette` is a path.
        components: prefixes of the modules whose calls from outside are answered: your own, or a third-party package.
        mode: "once" records when there is no cassette and plays otherwise; "none" never records: a missing cassette is an error;
            "new_episodes" plays what was recorded, runs and records other calls, and adds them; "all" runs and records everything anew;
            "off" does nothing. Default: the environment variable TRACER_MODE, the settings' mode, "once".
        strict: fail where recorded calls were not made.
        ignore: names of parameters that do not count when a recorded call is looked for: `timeout`, or that of one callable alone,
            `shop.gateway:Client.send.timeout`. Added to those of the settings.
        match: "arguments", or "callable" to tell calls apart by nothing but their order; or one of these by pattern of callables.
        allow: prefixes of further modules that may be imported to make recorded values live again; the components, the settings' boundaries
            and the project's own modules may be.
        repeat: play the last call of its kind again and again; without it each recorded call is played once.
        ambient: which reads of the surroundings the other watched modules are given as they were recorded: "all", or names as "time"
            and "random". The cassette has to be one of `tracer record --ambient`.
        folder: the folder of the cassettes; the settings', else `cassettes` in the project.
        on_outcome: called with "played", "recorded", "added" or "replaced" at the end.

    Raises:
        CallNotRecorded: where a call is made that the cassette does not hold, and again at the end of a block that swallowed it.
        CallsNotPlayed: at the end, when that is strict.
        CassetteNotFound: in mode "none", when there is no cassette.
        ReplayError: a component was not recorded, or is being played back already.
        RecordingError: at the end of the block, when it was to be recorded and no call was made.
    """

    def __init__(
        self,
        cassette: str | Path,
        *,
        components: Sequence[str],
        mode: str | None = None,
        strict: bool = False,
        ignore: Sequence[str] = (),
        match: str | Mapping[str, str] | None = None,
        allow: Sequence[str] = (),
        repeat: bool = False,
        ambient: str | Sequence[str] | None = None,
        folder: str | Path | None = None,
        on_outcome: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        self.cassette = cassette
        self._options: dict[str, Any] = {
            "components": components,
            "mode": mode,
            "strict": strict,
            "ignore": ignore,
            "match": match,
            "allow": allow,
            "repeat": repeat,
            "ambient": ambient,
            "folder": folder,
            "on_outcome": on_outcome,
        }
        self._running: workflows.Playback | None = None

    def _fresh(self) -> Playback:
        return Playback(self.cassette, **self._options)

    def _open(self) -> None:
        config = workflows.settings()
        options = self._options
        folder = _folder(options["folder"]) or config.cassette_folder
        self.path = workflows.cassette_path(str(self.cassette), folder).absolute()
        workflows.note_use(self.path, config)
        mode = workflows.cassette_mode(options["mode"], config)
        if mode == "off":
            return
        kept = {name: options[name] for name in ("ignore", "match", "allow", "repeat")}
        kinds = _kinds(options["ambient"]) or ()
        plan = workflows.PlaybackPlan(self.path, options["components"], mode, config, ambient=kinds, **kept)
        self._running = workflows.Playback(plan, Path.cwd())

    def _close(self, *, failed: bool) -> None:
        running, self._running = self._running, None
        if running is not None:
            self._options["on_outcome"](running.close(failed=failed, strict=self._options["strict"]))

    @property
    def misses(self) -> tuple[CallNotRecorded, ...]:
        """The calls so far that the cassette did not hold."""
        return self._running.misses if self._running is not None else ()


def _folder(folder: str | Path | None) -> Path | None:
    """Return the folder that was named, if one was. Raises ConfigError where it is a URL."""
    return workflows.cassette_path(f"{folder}/x.cassette", Path()).parent if folder else None


def _kinds(ambient: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the kinds of reads that were asked for, None where nothing was said of them."""
    return None if ambient is None else ambient_kinds(ambient)


def _closed(session: workflows.Session | None, *, failed: bool) -> Path | None:
    """End the recording of a block; return the file that waits, None where nothing is to be done with it.

    Raises:
        RecordingError: the block ended well and captured no call.
    """
    if session is None:
        return None
    if failed or session.forked:
        session.abandon()
        return None
    pending = session.close()
    if not session.calls:
        raise session.nothing_captured()
    return pending


def diff(
    old: str | Path,
    new: str | Path,
    *,
    level: str | None = None,
    rules: Sequence[Rule] = (),
    allow_imports: bool = False,
) -> Comparison:
    """Compare two cassettes, or two folders of them, here or at URLs, and return a frozen `Comparison`: `.findings`, `.verdict`, `.summary`.

    Args:
        old: the one that is taken as right.
        new: the one that is held against it.
        level: "value", or "shape" for types, keys and exceptions alone; without it the settings decide.
        rules: which differences do not count, beside those of the settings and those learned.
        allow_imports: call the functions that rules name; else nothing of yours is imported, and a note says what was not applied.

    Raises:
        CassetteError: one of them is absent, damaged, too new or no cassette.
        ConfigError: there is no such level, or one of the rules is none.
    """
    terms = workflows.Terms(level=level, rules=tuple(rules), allow_imports=allow_imports)
    return workflows.compare(workflows.place_of(old), workflows.place_of(new), terms=terms)
