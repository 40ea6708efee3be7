#!/bin/sh
# apprise 2.3.0 (PyPI): `notify()` returns an object. It is falsy when one of two services was not reached, but neither
# `is False` nor `== False` holds, as earlier versions' True and False did.
# Why it surprises: `if apobj.notify(...) is False: warn()` never warns, and one reached service hides nothing and tells nothing.
# Seen: bool False, "is False" False, "== False" False.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q apprise==2.3.0
cat >both.py <<'EOT'
import http.server, threading, apprise

class Taken(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Taken)
threading.Thread(target=server.serve_forever, daemon=True).start()
both = apprise.Apprise()
both.add(f"json://127.0.0.1:{server.server_port}/")
both.add("json://127.0.0.1:9/")
result = both.notify(body="text")
print(bool(result), result is False, result == False)
EOT
env/bin/python both.py 2>/dev/null | tee out.txt
grep -qx 'False False False' out.txt
