# SPDX-License-Identifier: Apache-2.0
# An HTTP proxy that takes CONNECT alone, on ADDRESS:PORT; NAME, which no name server knows, is TARGET to it.
import http.server
import socket
import sys
import threading

address, port, name, target = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    def do_CONNECT(self):
        host, _, number = self.path.rpartition(":")
        try:
            other = socket.create_connection((target if host == name else host, int(number)), timeout=5)
        except OSError:
            return self.send_error(502)
        other.settimeout(None)
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        thread = threading.Thread(target=pump, args=(other, self.connection), daemon=True)
        thread.start()
        pump(self.connection, other)
        thread.join()
        self.close_connection = True

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer((address, port), Handler).serve_forever()
