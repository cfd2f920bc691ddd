"""A replica of a small HTTP service: says which one it is. `python3 server.py PORT`"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port = int(sys.argv[1])


class Invoices(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"invoice": self.path.rsplit("/", 1)[-1], "server": port}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", port), Invoices).serve_forever()
