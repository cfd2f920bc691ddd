"""Drives a gateway with the official Python client.

Prints `ready` when it waits for the list to change and `done` at the end; anything unexpected ends it with a
traceback and exit code 1. A client of the older era has no stream to wait on where it has no session, so it is told
by a fourth argument whether to wait. How it reaches the gateway is what the variable `WAY` says.

    python driver.py URL KEY legacy|auto|2026-07-28 wait|no-wait
"""

import json
import os
import sys
from contextlib import asynccontextmanager

import anyio
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import ToolListChangedNotification

TOOLS = ["get_order", "create_order", "broken", "tenant_report"]


def same(actual, expected):
    assert actual == expected, f"expected {expected!r}, got {actual!r}"


async def names(client):
    return [tool.name for tool in (await client.list_tools(cache_mode="refresh")).tools]


async def calls(client):
    order = await client.call_tool("get_order", {"id": "A/7 ü"})
    same(
        order.structured_content,
        {"id": "A/7 ü", "state": "shipped", "total": 42.5, "items": [{"sku": "x1", "count": 2}]},
    )
    same(json.loads(order.content[0].text), order.structured_content)
    assert not order.is_error

    sent = {"customer": "Ada", "vip": True, "lines": [{"sku": "x1", "count": 2}], "note": {"text": '"quoted"'}}
    created = await client.call_tool("create_order", sent)
    same(created.structured_content, {"created": True, "order": sent})

    broken = await client.call_tool("broken", {})
    same(broken.is_error, True)
    assert "503" in broken.content[0].text, broken

    invalid = await client.call_tool("create_order", {"customer": 7})
    same(invalid.is_error, True)
    assert "/customer" in invalid.content[0].text, invalid

    try:
        await client.call_tool("no_such_tool", {})
        raise AssertionError("an unknown tool was answered with a result")
    except MCPError as error:
        same(error.code, -32602)

    # Mirrored into a header by modern clients, and not plain ASCII: checked against the body by the gateway.
    report = await client.call_tool("tenant_report", {"tenant": "Zürich"})
    same(report.structured_content, {"tenant": "Zürich"})


async def change(client, modern, heard):
    with anyio.fail_after(10):
        if modern:
            async with client.listen(tools_list_changed=True) as subscription:
                print("ready", flush=True)
                async for _ in subscription:
                    break
        else:
            print("ready", flush=True)
            await heard.wait()
    same(await names(client), [*TOOLS, "late_tool"])


@asynccontextmanager
async def connected(url, key):
    headers = {"Authorization": f"Bearer {key}"}
    match os.environ["WAY"]:
        case "http":
            async with create_mcp_http_client(headers=headers) as http:
                async with streamable_http_client(url, http_client=http) as streams:
                    yield streams
        case "sse":
            async with sse_client(url, headers=headers) as streams:
                yield streams
        case "stdio":
            server, instance = url.split("/mcp/")
            program = StdioServerParameters(
                command=os.environ["DYNMCP"],
                args=["stdio", instance, "--server", server],
                env={"DYNMCP_KEY": key},
            )
            async with stdio_client(program) as streams:
                yield streams


def leaves(error):
    inner = getattr(error, "exceptions", [])
    return [leaf for one in inner for leaf in leaves(one)] if inner else [error]


async def refusals(url, key):
    """What the gateway says is what the person at the client reads, also where it refuses before it reads the message."""
    for place, shown, words in [(url, "wrong", "key"), (f"{url}-not", key, "no instance is called")]:
        try:
            async with Client(connected(place, shown), mode="2026-07-28") as client:
                await client.list_tools(cache_mode="refresh")
        except Exception as error:
            said = [str(leaf) for leaf in leaves(error)]
            assert any(words in text for text in said), said
        else:
            raise AssertionError(f"{place} was let in")


async def main(url, key, mode, wait):
    heard = anyio.Event()

    async def on_message(message):
        if isinstance(message, ToolListChangedNotification):
            heard.set()

    modern = mode != "legacy"
    async with Client(connected(url, key), mode=mode, message_handler=on_message) as client:
        same(client.protocol_version, "2026-07-28" if modern else "2025-11-25")
        if mode != "2026-07-28":  # a pinned client asks nobody
            same(client.server_capabilities.tools.list_changed, True)
        same(await names(client), TOOLS)
        await calls(client)
        if wait == "wait":
            await change(client, modern, heard)
    if mode == "2026-07-28" and os.environ["WAY"] == "http":
        await refusals(url, key)
    print("done", flush=True)


anyio.run(main, *sys.argv[1:])
