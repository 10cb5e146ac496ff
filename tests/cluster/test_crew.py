"""Who is started, and who goes on that another driver has started: by a stand-in for Ray."""

from types import SimpleNamespace
from typing import Any

import pytest

from bgen_core.cluster.crew import Crew, CrewOptions
from bgen_core.cluster.painter_actor import Pulse
from bgen_core.ids import WorkerId

OPTIONS = {"what": "painter", "body": "a:b", "resources": {"num_gpus": 1}, "outlive": True}


class Method:
    def __init__(self, calls: list[str], name: str) -> None:
        self._calls, self._name = calls, name

    def options(self, **_: object) -> "Method":
        return self

    def remote(self, *_: object) -> str:
        self._calls.append(self._name)
        return self._name


class Actor:
    """What it was asked for."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Method:
        return Method(self.calls, name)


class StandIn:
    """So much of Ray as a crew asks for: actors by name, and answers by what was asked."""

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def __init__(self) -> None:
        self.actors: dict[str, Actor] = {}
        self.answers: dict[str, Any] = {}
        self.killed: list[Actor] = []
        self.util = SimpleNamespace(list_named_actors=lambda: [*self.actors])
        self.get_actor, self.kill, self.get = self.actors.__getitem__, self.killed.append, self.answers.__getitem__

    def remote(self, **_: object) -> Any:
        return lambda _class: self

    def options(self, *, name: str, **_: object) -> Any:
        def start(*_: object) -> Actor:
            return self.actors.setdefault(name, Actor())

        return SimpleNamespace(remote=start)

    def wait(self, references: list[str], **_: object) -> tuple[list[str], list[str]]:
        return [each for each in references if each in self.answers], []


def crew(ray: StandIn, lost: list[WorkerId], setting: str = "1") -> Crew:
    return Crew(ray, CrewOptions(environment={"BGEN_MODEL": setting}, **OPTIONS), lost=lost.append)


def test_painters_of_a_killed_dispatcher_go_on_and_those_with_other_settings_leave() -> None:
    ray, lost = StandIn(), list[WorkerId]()
    crew(ray, lost).look(2)
    first = list(ray.actors.values())
    following = crew(ray, lost)
    following.look(2)
    assert [*ray.actors.values()] == first, "none is started"
    assert [actor.calls[-1] for actor in first] == ["pulse", "pulse"]
    crew(ray, lost, "2").look(1)
    assert len(ray.actors) == 3
    assert [actor.calls[-1] for actor in first] == ["leave", "leave"]


@pytest.mark.parametrize("why", ["another version", ""])
def test_one_that_has_ended_is_started_again_whoever_started_it(why: str) -> None:
    ray, lost = StandIn(), list[WorkerId]()
    crew(ray, lost).look(1)
    ((name, actor),) = ray.actors.items()
    following = crew(ray, lost)
    following.look(1)
    ray.answers["pulse"] = Pulse(host="gpu-7", pid=1, why_ended=why)
    following.look(1)
    following.look(1)
    assert lost == ([name.rpartition(" ")[2]] if why else [])
    assert ray.killed == ([actor] if why else [])
