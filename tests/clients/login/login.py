"""Comes with a URL and nothing else, and logs in.

Prints `open URL` for the person at the browser, and reads where that ended; prints `token …` and `done` at the end.

    python login.py URL CALLBACK TOOLS
"""

import sys
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import anyio
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientMetadata


class Memory:
    """Keeps what a person would not want to type again."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


async def browse(url):
    query = parse_qs(urlsplit(url).query)
    assert query["code_challenge_method"] == ["S256"], query
    print(f"open {url}", flush=True)


async def come_back():
    line = await anyio.to_thread.run_sync(sys.stdin.readline)
    query = {name: values[0] for name, values in parse_qs(urlsplit(line.strip()).query).items()}
    return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))


@asynccontextmanager
async def connected(url, auth):
    async with create_mcp_http_client(auth=auth) as http:
        async with streamable_http_client(url, http_client=http) as streams:
            yield streams


async def main(url, callback, tools):
    memory = Memory()
    metadata = OAuthClientMetadata(
        client_name="dynmcp-test",
        redirect_uris=[callback],
        grant_types=["authorization_code", "refresh_token"],
        token_endpoint_auth_method="none",
    )
    auth = OAuthClientProvider(url, metadata, memory, redirect_handler=browse, callback_handler=come_back)
    async with Client(connected(url, auth), mode="auto") as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert listed == tools.split(","), listed
        called = await client.call_tool(listed[0], {})
        assert called.content[0].text == listed[0], called
    print(f"token {memory.tokens.access_token}", flush=True)
    print("done", flush=True)


anyio.run(main, *sys.argv[1:])
