#!/bin/sh
# Package: label-studio 1.23.2, connecting an ML backend
# One would expect: with ML_BLOCK_LOCAL_IP=false, whose only use is the address of ML backends, a project can be
#   connected to a backend on the same machine.
# What happens: 403 "URL resolves to a reserved network address" all the same. The address passes its own check; then
#   the webhook that is made beside each backend is checked under another switch, SSRF_PROTECTION_ENABLED, and that
#   error is told as if it were the backend's. With both switches off the backend is connected.
# Why it matters: a recognizer that pre-annotates usually runs beside Label Studio, and the error names no switch.
# Date: 2026-11-30 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check label-studio==1.23.2
cd "$folder"
cat > connect.py <<'EOF'
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

import requests


class Backend(http.server.BaseHTTPRequestHandler):
    """What the ML backend protocol asks for before a prediction."""

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"status": "UP", "model_version": "1"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
threading.Thread(target=backend.serve_forever, daemon=True).start()
CONFIG = '<View><Labels name="l" toName="t"><Label value="PER"/></Labels><Text name="t" value="$text"/></View>'


def connect(**switches):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    studio = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(dir=".") as data, open("studio.log", "w") as log:
        environment = {
            **os.environ, **switches, "LABEL_STUDIO_BASE_DATA_DIR": os.path.abspath(data), "COLLECT_ANALYTICS": "false"
        }
        command = [os.path.join(os.path.dirname(sys.executable), "label-studio"), "start", "--no-browser"]
        command += ["--port", str(port), "--username", "a@example.org", "--password", "a-long-password"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            for _ in range(120):
                time.sleep(1)
                try:
                    if requests.get(f"{studio}/health", timeout=5).ok:
                        break
                except requests.ConnectionError:
                    assert process.poll() is None, open("studio.log").read()[-2000:]
            session = requests.Session()
            session.get(f"{studio}/user/login/")
            form = {"email": "a@example.org", "password": "a-long-password"}
            form["csrfmiddlewaretoken"] = session.cookies["csrftoken"]
            session.post(f"{studio}/user/login/", data=form, headers={"referer": f"{studio}/user/login/"})
            session.headers.update({"x-csrftoken": session.cookies["csrftoken"], "referer": studio})
            project = session.post(f"{studio}/api/projects/", json={"title": "names", "label_config": CONFIG}).json()["id"]
            wanted = {"url": f"http://127.0.0.1:{backend.server_port}", "project": project, "title": "b"}
            answer = session.post(f"{studio}/api/ml/", json=wanted)
        finally:
            process.terminate()
            process.wait()
    told = answer.json().get("detail") or answer.json().get("readable_state")
    print(*(f"{name}={value}" for name, value in switches.items()), "->", answer.status_code, told)
    return answer.status_code, told


status, told = connect(ML_BLOCK_LOCAL_IP="false")
assert status == 403 and "reserved network address" in told
status, told = connect(ML_BLOCK_LOCAL_IP="false", SSRF_PROTECTION_ENABLED="false")
assert status == 201 and told == "Connected"
EOF
"$folder/venv/bin/python" connect.py
