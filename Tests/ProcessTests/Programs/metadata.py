# SPDX-License-Identifier: Apache-2.0
# A metadata service: serves the files of TREE on ADDRESS:PORT. A file .token holds the token that every GET must carry
# and that a PUT hands out; a file .failures holds how many requests are answered with 503 first.
import http.server
import pathlib
import sys

address, port, tree = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fails(self):
        file = tree / ".failures"
        rest = int(file.read_text()) if file.exists() else 0
        if rest > 0:
            file.write_text(str(rest - 1))
            self.answer(503)
        return rest > 0

    def do_PUT(self):
        if self.fails():
            return
        if self.path == "/latest/api/token" and "X-aws-ec2-metadata-token-ttl-seconds" in self.headers:
            return self.answer(200, (tree / ".token").read_bytes())
        self.answer(404)

    def do_GET(self):
        if self.fails():
            return
        token = tree / ".token"
        if token.exists() and self.headers.get("X-aws-ec2-metadata-token") != token.read_text():
            return self.answer(401)
        file = tree / self.path.lstrip("/")
        if file.is_dir():
            file = file / "index"
        self.answer(200, file.read_bytes()) if file.is_file() else self.answer(404)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer((address, port), Handler).serve_forever()
