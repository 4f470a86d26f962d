from __future__ import annotations

from tests.forge.github_stand_in.conftest import Scene
from tests.forge.github_stand_in.tour import Tour

from adw.forge.github_stand_in.routing import ROUTES


def test_every_route_answers_as_github_describes_it(watched):
    scene, watch = watched
    tour = Tour(scene)
    tour.go()
    tour.installed.close()
    assert watch.complaints == []
    asked = {(method, template) for method, template, status in watch.seen if status < 400}
    assert {(route.method, route.template) for route in ROUTES} - asked == {("POST", "/graphql")}


def test_every_route_is_one_of_githubs(description):
    ours = {(route.method, route.template) for route in ROUTES if route.template != "/graphql"}
    assert [one for one in ours if description.operation(*one) is None] == []


def test_a_complaint_is_heard(watched):
    scene, watch = watched
    scene.bob.get("/repos/ada/tally/issues?colour=red")
    assert watch.complaints == ["GET /repos/{owner}/{repo}/issues -> 200: no query parameter colour"]


def test_what_is_seen_has_no_tokens(scene: Scene):
    tour = Tour(scene)
    tour.apps()
    tour.installed.close()
    secrets = [*scene.tokens.values(), *scene.stand.world.tokens]
    told = str(scene.stand.requests)
    assert [one for one in secrets if one in told] == []
