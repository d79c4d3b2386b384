# SPDX-License-Identifier: Apache-2.0
"""Types a password at the prompt of a command on a terminal of its own; prints what the server was told."""
import base64, http.server, os, pty, sys, threading

seen = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen.append(self.headers.get("Authorization"))
        self.send_response(200)
        self.send_header("X-Etcd-Index", "1")
        self.end_headers()
        self.wfile.write(b'{"action":"get","node":{"key":"/a","value":"v","modifiedIndex":1,"createdIndex":1}}')

    def log_message(self, *arguments):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
words = sys.argv[1:]
words[words.index("ENDPOINT")] = "http://127.0.0.1:%d" % server.server_port
child, terminal = pty.fork()
if child == 0:
    os.execvp(words[0], words)
output = b""
while b"Password: " not in output:
    output += os.read(terminal, 1000)
os.write(terminal, b"wronx\x7fg \xc3\xbc\x7f!\r")
try:
    while True:
        output += os.read(terminal, 1000)
except OSError:
    pass
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(output.decode().replace("\r", ""), end="")
print("status", status, base64.b64decode(seen[0].split()[1]).decode() if seen and seen[0] else None)
