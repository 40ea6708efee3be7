#!/bin/sh
# kubernetes 37.0.2 (PyPI): a kubeconfig user with tokenFile, and the file ends in a line end, as every editor and
# `echo` leave it: the first request raises ValueError, with the whole token in its text. kubectl trims the file.
# Why it surprises: the same kubeconfig works with kubectl, and the token is in the traceback and so in the CI log.
# Seen: ValueError: Invalid header value b'Bearer not-a-real-token\n'
set -eu
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir"
python3 -m venv env && env/bin/pip install -q kubernetes==37.0.2
env/bin/python - <<'EOF'
import kubernetes
open("token", "w").write("not-a-real-token\n")
config = {
    "apiVersion": "v1", "kind": "Config", "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "u", "user": {"tokenFile": __import__("os").path.abspath("token")}}],
}
try:
    kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config_dict(config)).list_namespace()
except ValueError as error:
    print("ValueError:", error)
    assert "not-a-real-token" in str(error)
else:
    raise SystemExit("it works")
EOF
