"""A replica of a small service: says which one it is, over HTTP (`GET /invoices/7`) and as an MCP server (`POST /mcp`).

`python3 server.py PORT [GATEWAY]`: with the address of a gateway it announces itself there and goes on saying that it lives. The key is in DYNMCP_KEY; it needs no more
rights than `register/invoices-*`.
"""

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import URLError
from urllib.request import Request, urlopen

port = int(sys.argv[1])
name = f"invoices-{port}"
tool = {"name": f"who_is_{port}", "description": f"Says that {port} is there.", "inputSchema": {"type": "object"}}


def answer(method):
    """What MCP before 2026-07-28 has for a server with one tool."""
    if method == "initialize":
        info = {"name": name, "version": "1.0"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": [tool]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": f"{port} is there"}]}
    return {} if method == "ping" else None


class Invoices(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body=None):
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        if self.path == "/mcp":
            return self.reply(405)
        self.reply(200, {"invoice": self.path.rsplit("/", 1)[-1], "server": port})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if "id" not in asked:
            return self.reply(202)
        reply = {"jsonrpc": "2.0", "id": asked["id"]}
        result = answer(asked["method"])
        if result is None:
            reply["error"] = {"code": -32601, "message": "no such method"}
        else:
            reply["result"] = result
        self.reply(200, reply)

    def log_message(self, *_):
        pass


def tell(gateway, path, said=None):
    headers = {"Authorization": f"Bearer {os.environ['DYNMCP_KEY']}", "Content-Type": "application/json"}
    body = json.dumps(said or {}).encode()
    with urlopen(Request(gateway + path, body, headers, method="POST"), timeout=2) as response:
        return json.load(response)


def announce(gateway):
    """Registers, and again where the gateway does not know it; else a heartbeat each second."""
    said = {"name": name, "url": f"http://127.0.0.1:{port}/mcp", "tags": ["invoices"]}
    while True:
        try:
            tell(gateway, f"/api/servers/{name}/heartbeat")
        except URLError:
            try:
                tell(gateway, "/api/register", said)
            except URLError:
                pass  # It may not be there yet.
        time.sleep(1)


if len(sys.argv) > 2:
    threading.Thread(target=announce, args=[sys.argv[2]], daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", port), Invoices).serve_forever()
