#!/bin/sh
# Prometheus Pushgateway 1.5.1 (Debian 12): the label `job` of what is pushed is replaced by that of the URL, so
# that two samples which differ in it alone refuse the whole push; `# TYPE x info`, which OpenMetrics has, voids a whole
# push; `# UNIT` and `# EOF` do not.
# Why it surprises: a body with a `job` of its own is taken, as long as there is one sample; Prometheus itself reads OpenMetrics.
# Seen: 400 for two jobs, 200 and job="url" for one; 400 for a type info; 200 with `# UNIT` and `# EOF`.
set -eu
dir=$(mktemp -d) && trap 'kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT && cd "$dir"
apt-get download -q prometheus-pushgateway >/dev/null 2>&1
dpkg-deb -x ./*.deb .
port=19097
usr/bin/prometheus-pushgateway --web.listen-address=127.0.0.1:$port 2>/dev/null &
server=$!
cat >push.py <<'EOT'
import time, urllib.error, urllib.request

URL = "http://127.0.0.1:19097/metrics"


def get(url, data=None):
    for _ in range(100):
        try:
            return urllib.request.urlopen(urllib.request.Request(url, data)).read().decode()
        except urllib.error.HTTPError as error:
            return f"{error.code}"
        except OSError:
            time.sleep(0.1)
    raise SystemExit("no answer")


GAUGE = "# TYPE x_seconds gauge\n"
for name, body in (
    ("two jobs", GAUGE + 'x_seconds{job="a"} 1\nx_seconds{job="b"} 2\n'),
    ("one job", GAUGE + 'x_seconds{job="a"} 1\n'),
    ("info", '# TYPE x_info info\nx_info{a="b"} 1\n'),
    ("unit and end", GAUGE + "# UNIT x_seconds seconds\nx_seconds 1\n# EOF\n"),
):
    said = get(f"{URL}/job/url", body.encode()) or "200"
    print(name, said, [line for line in get(URL).splitlines() if line.startswith("x_seconds")][:1])
EOT
python3 push.py | tee out.txt
grep -q '^two jobs 400' out.txt
grep -q '^one job 200.*job="url"' out.txt
grep -q '^info 400' out.txt
grep -q '^unit and end 200' out.txt
