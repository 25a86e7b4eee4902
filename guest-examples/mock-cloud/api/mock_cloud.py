#!/usr/bin/env python3
"""A cloud that sells servers, for trying a provider: HTTP and JSON, in memory, without any real machine.

    GET  /offers          what is on offer
    POST /servers         order one: {"offer": "7"}, with the header Idempotency-Key
    GET  /servers/<id>    how far it is: queued, building, ready or broken
    GET  /control         what it was asked, for tests
    POST /control         change how it behaves: any of the names in `Cloud.settings`, or {"move": 1}

Everything but /control needs `Authorization: Bearer <token>`. It prints one line with its address when it listens.
"""

import argparse
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OFFERS = [
    {"id": "7", "title": "Small: 2 GiB, 1 CPU, 20 GB", "available": True},
    {"id": "8", "title": "Large: 16 GiB, 8 CPUs, 200 GB", "available": True},
    {"id": "9", "title": "Retired: 512 MiB", "available": False},
]
STAGES = ["queued", "building", "ready"]
MAX_BODY = 64 * 1024


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Cloud:
    """The servers that were ordered. Its lock is held for a look or a change, never while anything waits."""

    def __init__(self, stage_ms):
        self.lock = threading.Lock()
        self.servers = {}
        self.by_key = {}
        self.requests = []
        self.settings = {
            # How long a stage takes; with null a server goes on when it is moved.
            "stage_ms": stage_ms,
            # How many servers there is room for.
            "room": 100,
            # Whether servers break instead of getting ready.
            "breaks": False,
            # How long to wait before every answer.
            "delay_ms": 0,
            # When to ask again.
            "retry_after_ms": 1000,
            # The first password of every server; null for one made up for each.
            "password": None,
        }

    def order(self, key, offer):
        if not key:
            raise Refused(400, "the header Idempotency-Key is missing")
        with self.lock:
            if key in self.by_key:
                return self.by_key[key]
            if offer not in [entry["id"] for entry in OFFERS if entry["available"]]:
                raise Refused(404, f"there is no offer {offer}")
            if len(self.servers) >= self.settings["room"]:
                raise Refused(409, "no capacity")
            name = f"srv-{len(self.servers) + 1}"
            self.servers[name] = {
                "begun": time.monotonic(),
                "moved": 0,
                "address": f"203.0.113.{len(self.servers) % 250 + 1}",
                "password": self.settings["password"] or secrets.token_urlsafe(12),
            }
            self.by_key[key] = name
            return name

    def look(self, name):
        with self.lock:
            server = self.servers.get(name)
            if server is None:
                raise Refused(404, f"there is no server {name}")
            stage_ms = self.settings["stage_ms"]
            stage = server["moved"]
            if stage_ms is not None:
                stage = int((time.monotonic() - server["begun"]) * 1000 / max(stage_ms, 1))
            stage = min(stage, len(STAGES) - 1)
            state = STAGES[stage]
            if state == "ready" and self.settings["breaks"]:
                return {"server": name, "state": "broken", "reason": "the disk broke"}
            answer = {"server": name, "state": state, "percent": stage * 50}
            if state == "ready":
                answer.update(address=server["address"], password=server["password"])
            else:
                answer["retry_after_ms"] = self.settings["retry_after_ms"]
            return answer

    def control(self, change):
        with self.lock:
            move = change.pop("move", 0)
            for server in self.servers.values():
                server["moved"] += move
            unknown = set(change) - set(self.settings)
            if unknown:
                raise Refused(422, f"there is no setting {sorted(unknown)}")
            self.settings.update(change)

    def told(self):
        with self.lock:
            return {"requests": list(self.requests), "servers": len(self.servers)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(self.get)

    def do_POST(self):
        self.answer(self.post)

    def get(self):
        if self.path == "/control":
            return 200, self.server.cloud.told()
        self.admit()
        if self.path == "/offers":
            return 200, {"offers": OFFERS}
        if self.path.startswith("/servers/"):
            return 200, self.server.cloud.look(self.path.removeprefix("/servers/"))
        raise Refused(404, "there is no such path")

    def post(self):
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY:
            raise Refused(413, "the body is too large")
        try:
            body = json.loads(self.rfile.read(length) or b"{}")
        except ValueError:
            raise Refused(400, "the body is no JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "the body is no JSON object")
        if self.path == "/control":
            self.server.cloud.control(body)
            return 200, {}
        self.admit()
        if self.path == "/servers":
            name = self.server.cloud.order(self.headers.get("idempotency-key"), body.get("offer"))
            return 201, self.server.cloud.look(name)
        raise Refused(404, "there is no such path")

    def admit(self):
        cloud = self.server.cloud
        with cloud.lock:
            cloud.requests.append(f"{self.command} {self.path}")
            delay_ms = cloud.settings["delay_ms"]
        time.sleep(delay_ms / 1000)
        if self.headers.get("authorization") != f"Bearer {self.server.token}":
            raise Refused(401, "the token is not known")

    def answer(self, work):
        try:
            status, body = work()
        except Refused as refused:
            status, body = refused.status, {"error": str(refused)}
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            # Who asked has left.
            self.close_connection = True

    def log_message(self, *arguments):
        """Says nothing: a password could be in it."""


def main():
    parser = argparse.ArgumentParser(description="A cloud that sells servers, for trying a provider.")
    parser.add_argument("--port", type=int, default=8098, help="the port on 127.0.0.1; 0 for any that is free")
    parser.add_argument("--token", default="correct-horse", help="the token that callers must have")
    parser.add_argument("--stage-ms", type=int, default=2000, help="how long a server is queued, and how long building")
    parser.add_argument("--manual", action="store_true", help="servers go on when they are moved by /control")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    server.token = options.token
    server.cloud = Cloud(None if options.manual else options.stage_ms)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
