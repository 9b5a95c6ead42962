"""A small server that speaks as the Hugging Face Hub does, as far as models of ours need it."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c" * 40


class HubServer:
    """Keeps repositories in memory, and what was asked of it."""

    def __enter__(self):
        self.repositories, self.created, self.tokens, self.downloaded = {}, {}, set(), []
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *unused):
        self._server.shutdown()
        self._server.server_close()

    def add(self, repo_id, folder):
        """Put the files of a folder into a repository."""
        self.repositories[repo_id] = {file.name: file.read_bytes() for file in folder.iterdir()}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *unused):
        """Say nothing."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = self._parts()
        if parts == ["api", "repos", "create"]:
            self._create(json.loads(body))
        elif parts == ["api", "validate-yaml"]:
            self._answer({"warnings": [], "errors": []})
        elif parts[4:5] == ["preupload"]:
            files = json.loads(body)["files"]
            plan = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in files
            ]
            self._answer({"files": plan})
        elif parts[4:5] == ["commit"]:
            self._commit("/".join(parts[2:4]), body)
        else:
            self._answer({"error": "unknown"}, 404)

    def _create(self, request):
        repo_id = f"{request.get('organization') or 'me'}/{request['name']}"
        self.hub.repositories.setdefault(repo_id, {})
        # Old clients say it one way, new ones the other.
        self.hub.created[repo_id] = request.get("private", request.get("visibility") == "private")
        self._answer({"url": f"{self.hub.address}/{repo_id}"})

    def _commit(self, repo_id, body):
        for line in body.decode().splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                content = base64.b64decode(entry["value"]["content"])
                self.hub.repositories[repo_id][entry["value"]["path"]] = content
        self._answer(
            {
                "success": True,
                "commitOid": COMMIT,
                "commitUrl": f"{self.hub.address}/{repo_id}/commit/{COMMIT}",
            }
        )

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = self._parts()
        if parts[:2] == ["api", "models"]:
            self._list("/".join(parts[2:4]), parts[4:5])
        elif parts[2:3] == ["resolve"]:
            self._send_file("/".join(parts[:2]), "/".join(parts[4:]))
        else:
            self._answer({"error": "unknown"}, 404)

    def _list(self, repo_id, what):
        files = self.hub.repositories.get(repo_id)
        if files is None:
            self._answer({"error": "not found"}, 404, **{"X-Error-Code": "RepoNotFound"})
        elif what == ["tree"]:
            self._answer(
                [
                    {"type": "file", "path": name, "size": len(content), "oid": _etag(content)}
                    for name, content in files.items()
                ]
            )
        else:
            self._answer(
                {
                    "id": repo_id,
                    "sha": COMMIT,
                    "siblings": [{"rfilename": name} for name in files],
                }
            )

    def _send_file(self, repo_id, name):
        content = self.hub.repositories.get(repo_id, {}).get(name)
        if content is None:
            self._answer({"error": "not found"}, 404, **{"X-Error-Code": "EntryNotFound"})
            return
        if self.command == "GET":
            self.hub.downloaded.append(name)
        headers = {"ETag": f'"{_etag(content)}"', "X-Repo-Commit": COMMIT}
        self._answer(content, **headers)

    def _parts(self):
        if "Authorization" in self.headers:
            self.hub.tokens.add(self.headers["Authorization"])
        return self.path.split("?")[0].strip("/").split("/")

    def _answer(self, content, status=200, **headers):
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
            headers["Content-Type"] = "application/json"
        self.send_response(status)
        for name, value in {"Content-Length": len(content), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _etag(content):
    return hashlib.sha1(content).hexdigest()
