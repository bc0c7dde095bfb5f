#!/usr/bin/env python3
"""A web server for the tests of remote scanning: serves a folder with ranges, as a Hub repository, and misbehaves on request.

    python3 remote_server.py FOLDER LOG     prints its port; every request's path, range and token go to LOG

    /files/PATH      ranges, ETag                    /whole/PATH    no ranges
    /short/PATH      ends before Content-Length      /infinite      never ends
    /changing/PATH   another ETag every time         /wrong/PATH    answers another range than asked for
    /loop            redirects to itself             /away/PORT/PATH   redirects to that port
    /api/models/o/n/tree/main, /o/n/resolve/main/PATH      repository o/n: the folder, in two pages
    /api/models/o/evil/tree/main                            a listing that climbs out of the repository
"""
import hashlib, http.server, json, os, re, signal, stat, sys, threading

FOLDER, LOG = sys.argv[1], sys.argv[2]
# A test that runs beside this one may have left its pipe open in this process; it would wait for its end forever. (The
# socket that stays open is how Foundation's Process notices our end.)
for descriptor in range(3, 1024):
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            os.close(descriptor)
    except OSError:
        pass
# Whoever started the tests may have blocked or ignored the signal that ends this process.
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
LOCK = threading.Lock()
COUNT = [0]


def listing():
    entries = []
    for folder, _, names in sorted(os.walk(FOLDER)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            data = open(path, "rb").read()
            entry = {"type": "file", "path": os.path.relpath(path, FOLDER), "size": len(data), "oid": "0"}
            if len(data) > 100:
                entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
            entries.append(entry)
    return [{"type": "directory", "path": "sub", "oid": "0", "size": 0}] + entries


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def send(self, data, status=200, headers=(), length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def file(self, path, ranges=True, etag=None, shift=0, cut=0):
        try:
            data = open(os.path.join(FOLDER, path), "rb").read()
        except OSError:
            return self.send(b"no", 404)
        headers = [("ETag", f'"{etag or hashlib.md5(data).hexdigest()}"')]
        match = re.match(r"bytes=(\d+)-(\d+)$", self.headers.get("Range", "")) if ranges else None
        if not match:
            if cut:
                self.send(data[:-cut], headers=headers, length=len(data))
                self.close_connection = True
                return None
            return self.send(data, headers=headers)
        start, end = int(match[1]) + shift, min(int(match[2]) + shift, len(data) - 1)
        return self.send(data[start:end + 1], 206, headers + [("Content-Range", f"bytes {start}-{end}/{len(data)}")])

    def do_GET(self):
        with LOCK:
            COUNT[0] += 1
            with open(LOG, "a") as log:
                log.write(f"{self.path} {self.headers.get('Range', '-')} {self.headers.get('Authorization', '-')}\n")
        path = self.path.split("?")[0]
        kind, _, rest = path[1:].partition("/")
        if kind == "files":
            return self.file(rest)
        if kind == "whole":
            return self.file(rest, ranges=False)
        if kind == "short":
            return self.file(rest, ranges=False, cut=10)
        if kind == "changing":
            return self.file(rest, etag=f"version {COUNT[0]}")
        if kind == "wrong":
            return self.file(rest, shift=3)
        if kind == "loop":
            return self.send(b"", 302, [("Location", "/loop")])
        if kind == "away":
            port, _, target = rest.partition("/")
            return self.send(b"", 302, [("Location", f"http://127.0.0.1:{port}/{target}")])
        if kind == "local":
            return self.send(b"", 302, [("Location", "file:///etc/passwd")])
        if kind == "infinite":
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            try:
                while True:
                    self.wfile.write(bytes(1 << 16))
            except OSError:
                return None
        if path == "/api/models/o/n/tree/main":
            entries, host = listing(), self.headers["Host"]
            if "page=2" in self.path:
                return self.send(json.dumps(entries[2:]).encode())
            link = f'<http://{host}/api/models/o/n/tree/main?recursive=1&page=2>; rel="next"'
            return self.send(json.dumps(entries[:2]).encode(), headers=[("Link", link)])
        if path == "/api/models/o/evil/tree/main":
            return self.send(json.dumps([{"type": "file", "path": "../../evil.pkl", "size": 3}]).encode())
        if path.startswith("/o/n/resolve/main/"):
            return self.file(path[len("/o/n/resolve/main/"):])
        return self.send(b"no", 404)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
