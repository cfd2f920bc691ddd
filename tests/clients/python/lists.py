"""Lists the tools of an instance with the official Python client and calls each of them without arguments.

    python lists.py URL KEY
"""

import asyncio
import sys

import httpx2 as httpx
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main(url: str, key: str) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http:
        for mode in ("legacy", "2026-07-28"):
            async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
                tools = (await client.list_tools()).tools
                for tool in tools:
                    result = await client.call_tool(tool.name, {})
                    assert not result.is_error, (mode, tool.name, result.content)
                print(f"{mode}: {len(tools)}")


asyncio.run(main(*sys.argv[1:]))
