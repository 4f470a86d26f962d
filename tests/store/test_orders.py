from __future__ import annotations

from adw.store.orders import OrderKind, count_orders, open_order, place_order, settle_orders, settled_orders


async def test_orders_of_a_kind_are_numbered_and_the_latest_open_one_counts(database, make_workflow):
    adw_id = (await make_workflow()).adw_id
    async with database.begin() as connection:
        assert await open_order(connection, adw_id, OrderKind.REWIND) is None
        for to in ("c1", "c2"):
            await place_order(connection, adw_id=adw_id, kind=OrderKind.REWIND, data={"to": to})
        await place_order(connection, adw_id=adw_id, kind=OrderKind.HANDBACK, data={"by": "ann"})
        found = await open_order(connection, adw_id, OrderKind.REWIND)
    assert found is not None
    assert (found.number, found.data) == (2, {"to": "c2"})


async def test_what_is_carried_out_is_settled_and_numbers_go_on(database, make_workflow):
    adw_id = (await make_workflow()).adw_id
    async with database.begin() as connection:
        await place_order(connection, adw_id=adw_id, kind=OrderKind.REWIND, data={})
        await settle_orders(connection, adw_id, OrderKind.REWIND)
        assert await open_order(connection, adw_id, OrderKind.REWIND) is None
        assert await place_order(connection, adw_id=adw_id, kind=OrderKind.REWIND, data={}) == 2
        assert await count_orders(connection, adw_id, OrderKind.REWIND) == 2
        assert [order.number for order in await settled_orders(connection, adw_id, OrderKind.REWIND)] == [1]


async def test_what_has_happened_already_is_settled_from_the_start(database, make_workflow):
    adw_id = (await make_workflow()).adw_id
    async with database.begin() as connection:
        data = {"head": "c1"}
        await place_order(connection, adw_id=adw_id, kind=OrderKind.ADOPTION, data=data, settled=True)
        assert await open_order(connection, adw_id, OrderKind.ADOPTION) is None
        (order,) = await settled_orders(connection, adw_id, OrderKind.ADOPTION)
    assert order.data == {"head": "c1"}
