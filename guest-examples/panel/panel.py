#!/usr/bin/env python3
"""A small hosting panel, for trying pages of extensions: two customers, three domains, nothing real behind them.

It shows both ways in which a panel can show what extensions add:

- in a frame: it opens a session for the page, and the host draws it in the browser;
- by itself: it asks the host for the page as data, and draws that in its own style.

It listens on the loopback address and prints one line with its address. There are no passwords: whoever opens it
chooses who to be.
"""

import argparse
import secrets
import sys
import threading
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import draw
from palisade import Host, Refused

DOMAINS = {
    "shop.example": {"owner": "ada", "php": "8.4", "disk": "412 MiB"},
    "shop-test.example": {"owner": "ada", "php": "8.5", "disk": "96 MiB"},
    "blog.example": {"owner": "ben", "php": "8.4", "disk": "1.2 GiB"},
}
PEOPLE = {
    "root": {"name": "Rita Root", "role": "superuser", "what": "runs the panel"},
    "ada": {"name": "Ada Shop", "role": "customer", "what": "has two domains"},
    "ben": {"name": "Ben Blog", "role": "customer", "what": "has one domain"},
}
LANGUAGES = {"en": "English", "de": "Deutsch", "ar": "العربية"}
# The colours of `panel.css`, for the pages in frames.
THEME = {
    "background": "light-dark(#f4f6f5, #131816)",
    "surface": "light-dark(#fff, #1c2421)",
    "text": "light-dark(#18211d, #e6ece9)",
    "muted": "light-dark(#54625c, #a3b1ab)",
    "border": "light-dark(#d5ddd9, #34403b)",
    "accent": "light-dark(#0b6e4f, #5cc9a0)",
    "accent-text": "light-dark(#fff, #08251a)",
}
FILES = {"/panel.css": "text/css", "/panel.js": "text/javascript", "/panel.svg": "image/svg+xml"}
MAX_BODY = 64 * 1024


class Panel:
    """Who is signed in. Its lock is held for a look or a change, never while anything waits."""

    def __init__(self, host):
        self.host = host
        self.lock = threading.Lock()
        self.signed_in = {}
        self.url = None

    def person(self, who):
        """A person as the host is told of them, with what they may see."""
        mine = [name for name in DOMAINS if DOMAINS[name]["owner"] == who]
        person = {"id": who, "name": PEOPLE[who]["name"], "role": PEOPLE[who]["role"]}
        # Who runs the panel sees everything, which the host knows by the role.
        if PEOPLE[who]["role"] == "customer":
            person["objects"] = [{"kind": "domain", "id": name} for name in mine]
            person["customer"] = who
        return person

    def open(self, who, language, start=None):
        """Opens a session of the host for a person; one that begins at a page has an address for a browser."""
        request = {
            "person": self.person(who),
            "locale": language,
            "theme": {"mode": "auto", "variables": THEME},
            "panel_pages": {"home": self.url + "/", "domain.list": self.url + "/domains"},
        }
        if start:
            request["page"] = start
        return self.host.open_session(request)

    def sign_in(self, who, language):
        """Signs a person in, and returns the secret that their browser keeps."""
        session = self.open(who, language)["id"]
        secret = secrets.token_urlsafe(24)
        with self.lock:
            self.signed_in[secret] = {"who": who, "language": language, "session": session}
        return secret

    def sign_out(self, secret):
        """Signs a person out, and ends all that the host has open for them."""
        with self.lock:
            signed_in = self.signed_in.pop(secret, None)
        if signed_in:
            self.host.close_sessions(signed_in["who"])

    def look_up(self, secret):
        """Who has this secret."""
        with self.lock:
            return self.signed_in.get(secret)


class Handler(BaseHTTPRequestHandler):
    """One request of a browser."""

    panel = None
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({"/": self.home, "/domains": self.domains})

    def do_POST(self):
        # Read before anything is answered: what is left of it would be taken for the next request.
        self.sent = self.form()
        origin = self.headers.get("origin")
        if origin != self.panel.url:
            return self.send(403, draw.fill("<p>this form comes from $origin</p>", origin=origin))
        return self.answer({"/sign-in": self.sign_in, "/sign-out": self.sign_out})

    def answer(self, routes):
        """Finds who asks and what answers. What the host refuses is a page that says so."""
        url = urlsplit(self.path)
        self.query = dict(parse_qsl(url.query))
        self.secret = self.cookie()
        self.me = self.panel.look_up(self.secret)
        parts = [part for part in url.path.split("/") if part]
        try:
            if url.path in FILES and self.command == "GET":
                return self.send(200, (draw.HERE / url.path[1:]).read_text("utf-8"), FILES[url.path])
            if url.path == "/sign-in":
                return routes.get(url.path, self.nothing)()
            if not self.me:
                return self.send(200, self.welcome())
            if url.path in routes:
                return routes[url.path]()
            if len(parts) == 2 and parts[0] == "domains":
                return self.domain(parts[1])
            if len(parts) == 3 and parts[0] == "pages" and self.command == "GET":
                return self.page(parts[1], parts[2])
            return self.nothing()
        except Refused as refused:
            if refused.code == "session.unknown":
                # The host was started anew: its sessions are gone, and so is this one.
                self.panel.sign_out(self.secret)
                return self.go("/")
            note = {"tone": "danger", "text": f"{refused} ({refused.code})"}
            return self.send(refused.status, self.whole("Not shown", draw.notes([note])))
        except OSError as error:
            note = {"tone": "danger", "text": f"The host does not answer: {error}"}
            return self.send(502, draw.template("bare", title="Panel", body=draw.notes([note])))

    def sign_in(self):
        form = self.sent if self.command == "POST" else {}
        who, language = form.get("who"), form.get("language", "en")
        if who not in PEOPLE or language not in LANGUAGES:
            return self.nothing()
        secret = self.panel.sign_in(who, language)
        return self.go("/", f"panel={secret}; HttpOnly; SameSite=Strict; Path=/")

    def sign_out(self):
        self.panel.sign_out(self.secret)
        return self.go("/", "panel=; Max-Age=0; Path=/")

    def welcome(self):
        html = '<button name="who" value="$who"><b>$name</b><span>$what</span></button>'
        people = [draw.fill(html, who=who, name=its["name"], what=its["what"]) for who, its in PEOPLE.items()]
        html = '<option value="$tag" lang="$tag">$name</option>'
        languages = [draw.fill(html, tag=tag, name=name) for tag, name in LANGUAGES.items()]
        body = draw.template("sign_in", people=people, languages=languages)
        return draw.template("bare", title="Sign in", body=body)

    def home(self):
        blocks = self.panel.host.place(self.me["session"], "dashboard.block")
        frames = [self.frame(its["extension"], its["page"], its["title"]) for its in blocks]
        mine = sum(1 for name in DOMAINS if self.sees(name))
        body = draw.template("home", name=PEOPLE[self.me["who"]]["name"], domains=mine, blocks=frames)
        return self.send(200, self.whole("Home", body))

    def domains(self):
        names = [name for name in DOMAINS if self.sees(name)]
        shown = {"page": "domain.list", "rows": [{"id": name, "cells": {"name": name}} for name in names]}
        columns = ["Domain", "Owner", "PHP", "Disk"]
        html = '<a href="/domains/$name">$name</a>'
        rows = [
            [draw.fill(html, name=name), PEOPLE[its["owner"]]["name"], its["php"], its["disk"]]
            for name, its in DOMAINS.items()
            if name in names
        ]
        said = []
        for overlay in self.panel.host.overlays(self.me["session"], shown):
            for edit in overlay["edits"]:
                if edit["type"] == "add-column":
                    columns.append(edit["column"]["label"])
                    kind = edit["column"]["kind"]
                    for row, value in zip(rows, edit["cells"]):
                        row.append(draw.cell(value, kind))
                elif edit["type"] == "add-note":
                    said.append(edit)
        body = draw.fill("<h1>Domains</h1>$notes$table", notes=draw.notes(said), table=draw.table(columns, rows))
        return self.send(200, self.whole("Domains", body))

    def domain(self, name):
        """The page of a domain: what the panel knows, and a tab for each page of an extension."""
        if not self.sees(name):
            return self.nothing()
        target = f"domain:{name}"
        tabs = self.panel.host.place(self.me["session"], "object.tab", target)
        chosen = next((tab for tab in tabs if tab_of(tab) == self.query.get("tab")), None)
        way = "panel" if self.query.get("way") == "panel" else "frame"
        here = f"/domains/{quote(name)}"
        html = '<a href="$href" aria-current="$current">$title</a>'
        links = [draw.fill(html, href=here, current="false" if chosen else "page", title="Overview")]
        for tab in tabs:
            href = here + "?" + urlencode({"tab": tab_of(tab), "way": way})
            current = "page" if tab is chosen else "false"
            links.append(draw.fill(html, href=href, current=current, title=tab["title"]))
        status, content = 200, draw.table(["PHP", "Disk"], [[DOMAINS[name]["php"], DOMAINS[name]["disk"]]])
        ways = ""
        if chosen:
            status, content = self.tab(chosen, name, way)
            ways = [
                draw.fill(html, href=here + "?" + urlencode({"tab": tab_of(chosen), "way": its}),
                          current="true" if its == way else "false", title=title)
                for its, title in [("frame", "In a frame"), ("panel", "Drawn by the panel")]
            ]
        body = draw.template("domain", name=name, tabs=links, ways=ways, content=content)
        return self.send(status, self.whole(name, body))

    def tab(self, tab, name, way):
        """What is in a tab. A page that this panel cannot draw is shown in a frame."""
        extension, page, target = tab["extension"], tab["page"], f"domain:{name}"
        ref = {"kind": "domain", "id": name}
        host, session = self.panel.host, self.me["session"]
        view = host.page(session, extension, page, target) if way == "panel" else None
        if not view or not draw.can_draw(view):
            return 200, self.frame(extension, page, tab["title"], ref)
        action = "?" + urlencode({"tab": tab_of(tab), "way": "panel"})
        if self.command != "POST":
            return 200, draw.form(view, action)
        form = self.sent
        entered = {key[3:]: value for key, value in form.items() if key.startswith("in.")}
        # A browser ends lines with two characters, where one was entered.
        entered = {key: value.replace("\r\n", "\n") for key, value in entered.items()}
        act = {"button": form.get("button", ""), "object": ref, "state": form.get("state"), "inputs": entered}
        reply = host.act(session, extension, page, act)
        if reply["type"] == "invalid":
            return 422, draw.form(view, action, reply["problems"], entered)
        done = draw.notes([{"tone": "success", "text": reply.get("message", "Done.")}])
        return 200, [*done, draw.form(host.page(session, extension, page, target), action)]

    def page(self, extension, page):
        """A page of an extension that stands in the menu."""
        menu = self.panel.host.place(self.me["session"], "menu.main")
        found = next((its for its in menu if (its["extension"], its["page"]) == (extension, page)), None)
        if not found:
            return self.nothing()
        return self.send(200, self.whole(found["title"], self.frame(extension, page, found["title"])))

    def frame(self, extension, page, title, ref=None):
        """A page of an extension in a frame. Its address lets one browser in, once, so each frame gets one."""
        start = {"extension": extension, "page": page}
        if ref:
            start["object"] = ref
        session = self.panel.open(self.me["who"], self.me["language"], start)
        if "url" not in session:
            note = {"tone": "warning", "text": "The host shows no pages in browsers: set `gui.listen`."}
            return draw.notes([note])
        return draw.fill('<iframe src="$url" title="$title"></iframe>', url=session["url"], title=title)

    def whole(self, title, body):
        """A page with the menu beside it, in which extensions have entries."""
        menu = [("/", "Home"), ("/domains", "Domains")]
        for its in self.panel.host.place(self.me["session"], "menu.main"):
            menu.append((f"/pages/{quote(its['extension'])}/{quote(its['page'])}", its["title"]))
        here = urlsplit(self.path).path
        html = '<a href="$href" aria-current="$current">$title</a>'
        links = [
            draw.fill(html, href=href, title=entry, current="page" if href == here else "false")
            for href, entry in menu
        ]
        return draw.template("whole", title=title, menu=links, who=PEOPLE[self.me["who"]]["name"], body=body)

    def sees(self, name):
        """Whether whoever asks may see a domain."""
        who = self.me["who"]
        return name in DOMAINS and (PEOPLE[who]["role"] == "superuser" or DOMAINS[name]["owner"] == who)

    def nothing(self):
        return self.send(404, draw.template("bare", title="Nothing here", body="There is no such page."))

    def cookie(self):
        cookie = SimpleCookie(self.headers.get("cookie", "")).get("panel")
        return cookie.value if cookie else ""

    def form(self):
        """What a form was sent with; of a name that is there twice, the last value."""
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            return {}
        values = parse_qs(self.rfile.read(length).decode("utf-8", "replace"), keep_blank_values=True)
        return {name: its[-1] for name, its in values.items()}

    def go(self, path, cookie=None):
        self.send_response(303)
        self.send_header("location", path)
        self.send_header("content-length", "0")
        if cookie:
            self.send_header("set-cookie", cookie)
        self.end_headers()

    def send(self, status, text, kind="text/html"):
        content = text.encode("utf-8")
        self.send_response(status)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        self.send_header("cache-control", "no-store")
        policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; frame-src http: https:"
        policy += "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        self.send_header("content-security-policy", policy)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Says nothing: one line with the address is all that is printed."""


def tab_of(page):
    """The name of a tab in an address."""
    return f"{page['extension']}/{page['page']}"


def main():
    """Starts the panel."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--socket", help="the host's Unix socket")
    parser.add_argument("--host", help="or its address, such as http://127.0.0.1:8080")
    parser.add_argument("--token-file", type=Path, help="the file with the panel's token, for --host")
    parser.add_argument("--port", type=int, default=8099, help="0 for any that is free")
    options = parser.parse_args()
    if bool(options.socket) == bool(options.host):
        sys.exit("either --socket or --host says where the host is")
    token = options.token_file.read_text("utf-8").strip() if options.token_file else None
    Handler.panel = Panel(Host(options.socket, options.host, token))
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    Handler.panel.url = f"http://127.0.0.1:{server.server_port}"
    print(f"the panel is at {Handler.panel.url}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
