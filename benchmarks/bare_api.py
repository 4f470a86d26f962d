"""The least that answers from the database: one route, one indexed select, on the HTTP server that the program uses."""

from __future__ import annotations

import asyncio
import sys

from fastapi import FastAPI
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from adw.api.uvicorn_server import run_uvicorn

_SELECT = "SELECT adw_id, status, issue_title, last_seq FROM adw_workflows WHERE adw_id = %s"


async def main(url: str, port: int) -> None:
    app = FastAPI()
    async with AsyncConnectionPool(url, min_size=8, max_size=8, kwargs={"row_factory": dict_row}, open=False) as pool:

        @app.get("/workflow/{adw_id}")
        async def one(adw_id: str) -> dict[str, str | int]:  # pyright: ignore[reportUnusedFunction]
            async with pool.connection() as connection:
                found = await (await connection.execute(_SELECT, [adw_id])).fetchone()
            assert found is not None
            return found

        @app.get("/health")
        async def health() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
            return {}

        await run_uvicorn(app, host="127.0.0.1", port=port, stop=asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
