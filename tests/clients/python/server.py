"""A server of the official SDK over streamable HTTP, in every revision on one URL. Its argument is the port."""

import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("upstream", instructions="Ask for sums.")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("as it was told")


server.run(transport="streamable-http", port=int(sys.argv[1]))
