from __future__ import annotations

from pathlib import Path

import httpx
from tests.gateway.conftest import RigOf


async def test_contained_agents_reach_the_gateway_by_a_socket_only_its_owner_may_use(rig_of: RigOf, tmp_path: Path):
    async with rig_of(socket_dir=tmp_path / "private") as rig:
        door = rig.gateway.door
        assert door is not None
        assert rig.gateway.url.endswith(f":{door.port}")
        assert door.socket.stat().st_mode & 0o077 == 0
        transport = httpx.AsyncHTTPTransport(uds=str(door.socket))
        async with httpx.AsyncClient(transport=transport, base_url=rig.gateway.url) as inside:
            said = await inside.post("/v1/messages", json={}, headers={"x-api-key": "nobody's"})
            assert said.status_code == 401
    assert not door.socket.exists()


async def test_without_a_folder_for_it_there_is_no_socket(rig_of: RigOf):
    async with rig_of() as rig:
        assert rig.gateway.door is None
