"""A policy service: who may pay back how much, and how much all of them together.

Asked by POST with {principal, action, instance, tool, arguments}; 200 allows, 403 refuses with a reason. Needs nothing but Python.
"""
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = "key-of-the-policy-service"
budget = {"left": 1000}


def decide(question):
    """The status, and why."""
    if question["tool"] != "refund_order":
        return 200, ""
    amount = question["arguments"]["amount"]
    if question["principal"]["subject"] != "ann":
        return 403, "only ann may pay back"
    if amount > budget["left"]:
        return 403, f"{budget['left']} of today's budget are left"
    budget["left"] -= amount
    return 200, ""


class Policy(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Bearer {KEY}":
            return self.say(401, "who asks?")
        self.say(*decide(json.loads(body)))

    def do_GET(self):
        self.say(200, "")

    def say(self, status, reason):
        body = json.dumps({"allow": status == 200, "reason": reason}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Policy).serve_forever()
