#!/bin/sh
# kubernetes 37.0.2 (PyPI) and kubectl 1.20 (Debian 12's kubernetes-client): `as` and `as-groups` of a kubeconfig's user
# are sent as Impersonate headers by kubectl. The Python client reads the same file and sends none, without a word.
# Why it surprises: whoever limits a tool by `as: system:serviceaccount:...` in its kubeconfig runs it with all the
# rights of the token's owner, and what it makes belongs to that owner.
# Seen: kubectl Impersonate-User perf, Impersonate-Group testers; the client neither.
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" && mkdir -p debs/partial
apt-get -qq -y -d -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir/debs" install --reinstall \
    --no-install-recommends kubernetes-client >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in debs/*.deb; do dpkg -x "$deb" .; done
LD_LIBRARY_PATH=$(find "$dir" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:) && export LD_LIBRARY_PATH
python3 -m venv env && env/bin/pip install -q kubernetes==37.0.2
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1 2>/dev/null
env/bin/python - <<'EOF'
import http.server, json, ssl, subprocess, threading, kubernetes
seen = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen.append({name: text for name, text in self.headers.items() if name.startswith("Impersonate")})
        body = b'{"kind": "NamespaceList", "apiVersion": "v1", "items": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"https://127.0.0.1:{server.server_port}"
user = {"token": "of-the-owner", "as": "perf", "as-groups": ["testers"]}
config = {
    "apiVersion": "v1", "kind": "Config", "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": address, "insecure-skip-tls-verify": True}}],
    "users": [{"name": "u", "user": user}],
}
json.dump(config, open("kubeconfig", "w"))
kubectl = ["usr/bin/kubectl", "--kubeconfig=kubeconfig", "get", "--raw", "/api/v1/namespaces"]
subprocess.run(kubectl, check=True, stdout=subprocess.DEVNULL)
import urllib3; urllib3.disable_warnings()
kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config("kubeconfig")).list_namespace()
print("kubectl", seen[0], "client", seen[-1])
assert seen[0] == {"Impersonate-User": "perf", "Impersonate-Group": "testers"}
assert seen[-1] == {}
EOF
