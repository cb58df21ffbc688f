"""A web server on this machine that misbehaves on demand."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Serves `data` at any path. `script` names how the next requests are answered; after it, all goes well.

    `asked` keeps what was asked for: (path, Range header or None).
    """

    daemon_threads = True

    def __init__(self, data):
        super().__init__(("127.0.0.1", 0), Handler)
        self.data, self.script, self.asked = data, [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append((self.path, wanted))
        way, _, value = (server.script.pop(0) if server.script else "well").partition(" ")
        data = server.data
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and way != "ignore-range" else 0
        self.close_connection = True
        if way == "status":
            return self.answer(int(value), b"<html>no</html>", {"Retry-After": "0"})
        if way == "redirect":
            return self.answer(302, b"", {"Location": value or "/elsewhere"})
        if way == "wrong":
            return self.answer(200, bytes(len(data)))
        if way == "longer":
            return self.answer(200, data + b"more")
        if way == "shorter":
            return self.answer(200, data, length=100)
        if way == "length":
            told, _, count = value.rpartition(" ")
            return self.answer(206 if start else 200, data[start : start + int(count)], length=told)
        if way == "retry":
            return self.answer(503, b"", {"Retry-After": value})
        if way == "strange-range":
            return self.answer(206, data[start:], {"Content-Range": "bytes \xb2-\xb3/*"})
        if way == "page":
            return self.answer(200, b"<html>please log in</html>")
        if start >= len(data):
            return self.answer(416, b"")
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        if way == "other-range":
            headers = {"Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"}
            return self.answer(206, data, headers)
        body = data[start:]
        if way == "no-length":
            return self.answer(206 if start else 200, body[: int(value or len(body))], headers, length=False)
        if way in ("cut", "stall"):
            return self.answer(206 if start else 200, body[: int(value)], headers, len(body), way == "stall")
        return self.answer(206 if start else 200, body, headers)

    def answer(self, status, body, headers=None, length=None, stall=False):
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if length is not False:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.wfile.write(body)
            self.wfile.flush()
            if stall:
                time.sleep(1.5)
        except OSError:
            pass  # the other side has given up


@contextmanager
def serving(data):
    server = Server(data)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
