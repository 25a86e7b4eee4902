"""What a panel asks of the host: its panel API, over the Unix socket or over TCP with the panel's token."""

import http.client
import json
import socket
from urllib.parse import quote, urlencode, urlsplit

TIMEOUT_S = 10


class Refused(Exception):
    """An answer of the host that is an error."""

    def __init__(self, status, error):
        super().__init__(error.get("message", f"status {status}"))
        self.status = status
        self.code = error.get("code", "")


class UnixConnection(http.client.HTTPConnection):
    """A connection over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=TIMEOUT_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(self.path)


class Host:
    """A host. Its token stays here: a browser never sees it."""

    def __init__(self, socket_path=None, url=None, token=None):
        self.socket_path = socket_path
        self.address = urlsplit(url).netloc if url else None
        self.token = token

    def ask(self, method, path, body=None, session=None):
        """Makes one request and returns its JSON."""
        if self.socket_path:
            connection = UnixConnection(self.socket_path)
        else:
            connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_S)
        headers = {}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        if session:
            headers["palisade-session"] = session
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            content = json.loads(answer.read() or b"{}")
        finally:
            connection.close()
        if answer.status >= 400:
            raise Refused(answer.status, content.get("error", {}))
        return content

    def open_session(self, request):
        """Opens a session for a person."""
        return self.ask("POST", "/v1/gui/sessions", request)

    def close_sessions(self, person):
        """Ends all sessions of a person."""
        return self.ask("DELETE", "/v1/gui/sessions?" + urlencode({"person": person}))

    def place(self, session, place, target=None):
        """The pages that extensions show at a place."""
        query = "?" + urlencode({"object": target}) if target else ""
        return self.ask("GET", f"/v1/gui/places/{place}{query}", session=session)["pages"]

    def page(self, session, extension, page, target=None):
        """A page as data."""
        query = "?" + urlencode({"object": target}) if target else ""
        return self.ask("GET", page_path(extension, page) + query, session=session)["view"]

    def act(self, session, extension, page, act):
        """What happens after a button."""
        return self.ask("POST", page_path(extension, page) + "/actions", act, session)

    def overlays(self, session, page):
        """What extensions change of a page of the panel."""
        return self.ask("POST", "/v1/gui/overlays", page, session)["overlays"]


def page_path(extension, page):
    """Where the API has a page."""
    return f"/v1/gui/pages/{quote(extension, safe='')}/{quote(page, safe='')}"
