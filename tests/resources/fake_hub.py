"""A hub on this machine: as much of Hugging Face's HTTP interface as its client asks of it for a model."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


class FakeHub:
    """Repositories by name, each with its files by revision; and what was asked."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, dict[str, bytes]]] = {}
        self.refused: dict[str, tuple[int, str]] = {}  # by repository: status, and the code that the client reads
        self.lfs: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.fetched: list[str] = []
        self.made: list[dict[str, object]] = []
        self.endpoint = ""

    @staticmethod
    def commit_of(files: dict[str, bytes]) -> str:
        return hashlib.sha1(b"".join(name.encode() + content for name, content in sorted(files.items()))).hexdigest()

    def files_at(self, repo: str, revision: str) -> dict[str, bytes] | None:
        revisions = self.repos[repo]
        by_commit = {self.commit_of(files): files for files in revisions.values()}
        return revisions.get(revision) or by_commit.get(revision)


@contextmanager
def serving() -> Iterator[FakeHub]:
    """A hub that listens on loopback while the block runs."""
    hub = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def answer(self, content: object, status: int = 200, **headers: str) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def refuse(self, status: int, code: str) -> None:
            self.answer({"error": code}, status, X_Error_Code=code, X_Error_Message=code)

        def body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{self.command} {path}")
            found = re.fullmatch(r"/(?:api/models/)?([^/]+/[^/]+)(?:/(revision|tree|resolve)/([^/]+)(?:/(.*))?)?", path)
            if not found:
                return self.refuse(404, "EntryNotFound")
            repo, what, revision, name = found.groups()
            if repo in hub.refused:
                return self.refuse(*hub.refused[repo])
            if repo not in hub.repos:
                return self.refuse(404, "RepoNotFound")
            files = hub.files_at(repo, revision or "main")
            if files is None:
                return self.refuse(404, "RevisionNotFound")
            commit = hub.commit_of(files)
            if what == "tree":
                return self.answer(
                    [
                        {"type": "file", "path": path, "size": len(c), "oid": hashlib.sha1(c).hexdigest()}
                        for path, c in files.items()
                    ]
                )
            if what != "resolve":
                siblings = [{"rfilename": path} for path in files]
                return self.answer({"id": repo, "sha": commit, "private": False, "tags": [], "siblings": siblings})
            if name not in files:
                return self.refuse(404, "EntryNotFound")
            if self.command == "GET":
                hub.fetched.append(name)
            etag = f'"{hashlib.sha1(files[name]).hexdigest()}"'
            return self.answer(files[name], X_Repo_Commit=commit, ETag=etag)

        do_HEAD = do_GET  # noqa: N815

        def do_POST(self) -> None:
            path, body = urlsplit(self.path).path, self.body()
            hub.asked.append(f"POST {path}")
            if path == "/api/repos/create":
                asked = json.loads(body)
                hub.made.append(asked)
                name = f"{asked.get('organization') or 'me'}/{asked['name'].rpartition('/')[2]}"
                hub.repos.setdefault(name, {"main": {}})
                return self.answer({"url": f"{hub.endpoint}/{name}", "id": name})
            if path == "/api/validate-yaml":
                return self.answer({"errors": [], "warnings": []})
            if found := re.fullmatch(r"/api/models/(.+)/preupload/([^/]+)", path):
                files = json.loads(body)["files"]
                mode = ["lfs" if each["path"].endswith(".safetensors") else "regular" for each in files]
                answers = [
                    {"path": each["path"], "uploadMode": how, "shouldIgnore": False}
                    for each, how in zip(files, mode, strict=True)
                ]
                return self.answer({"files": answers})
            if path.endswith("/info/lfs/objects/batch"):
                objects = [
                    {**each, "actions": {"upload": {"href": f"{hub.endpoint}/lfs/{each['oid']}", "header": {}}}}
                    for each in json.loads(body)["objects"]
                ]
                return self.answer({"transfer": "basic", "objects": objects})
            if found := re.fullmatch(r"/api/models/(.+)/branch/(.+)", path):
                repo = hub.repos[found[1]]
                repo.setdefault(found[2], dict(repo["main"]))
                return self.answer({})
            if found := re.fullmatch(r"/api/models/(.+)/commit/([^/]+)", path):
                files = dict(hub.repos[found[1]][found[2]])
                for line in body.splitlines():
                    item = json.loads(line)
                    value = item["value"]
                    if item["key"] == "file":
                        files[value["path"]] = base64.b64decode(value["content"])
                    elif item["key"] == "lfsFile":
                        files[value["path"]] = hub.lfs[value["oid"]]
                hub.repos[found[1]][found[2]] = files
                commit = hub.commit_of(files)
                url = f"{hub.endpoint}/{found[1]}/commit/{commit}"
                return self.answer({"commitUrl": url, "commitOid": commit, "success": True})
            return self.refuse(404, "EntryNotFound")

        def do_PUT(self) -> None:
            content = self.body()
            hub.lfs[hashlib.sha256(content).hexdigest()] = content
            self.answer({})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
