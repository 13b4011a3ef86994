"""Azure's blob service and Google's object store as far as rclone speaks to them, on this machine alone: `clouds.py FOLDER`.

What is delivered is in FOLDER (`azure/CONTAINER/…`, `google/BUCKET/…`), of which the containers are made by the test; `requests` there has a line for
each request, its headers in JSON, so that a test can look at what was asked for. Signatures are checked as far as they say when they end and what
they permit; `SAS_SIGNATURE` is the right one. Prints its port, and ends when its standard input does.
"""

import base64
import datetime
import email.utils
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import sys
import threading
import urllib.parse
import xml.sax.saxutils

FOLDER = pathlib.Path(sys.argv[1])
RECORD = threading.Lock()
TOKEN = "token-of-the-service-account"


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def handle_any(self):
        self.body = self.read_body()
        path, _, query = self.path.partition("?")
        self.parts = [urllib.parse.unquote(part) for part in path.split("/") if part]
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        with RECORD, open(FOLDER / "requests", "a") as file:
            file.write(json.dumps([self.command, self.path, dict(self.headers)]) + "\n")
        is_google = path == "/token" or "storage" in self.parts[:2]
        try:
            google(self) if is_google else azure(self)
        except Refused as refused:
            body = (
                json.dumps({"error": {"code": refused.status, "message": refused.message, "errors": [{"reason": refused.code}]}})
                if is_google
                else f'<?xml version="1.0"?><Error><Code>{refused.code}</Code><Message>{refused.message}</Message></Error>'
            )
            self.answer(refused.status, body.encode(), {"x-ms-error-code": refused.code, "Content-Type": "application/xml"})

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, body=b"", headers=None, length=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def digest(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def files(folder, prefix):
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    names = ((str(path.relative_to(folder)), path) for path in found)
    return [(name, path) for name, path in names if name.startswith(prefix)]


def listed(folder, prefix, delimiter):
    """Files of that prefix, and what they have in common up to the delimiter."""
    blobs, prefixes = [], []
    for name, path in files(folder, prefix):
        rest = name[len(prefix):]
        if delimiter and delimiter in rest:
            common = prefix + rest.split(delimiter)[0] + delimiter
            if common not in prefixes:
                prefixes.append(common)
        else:
            blobs.append((name, path))
    return blobs, prefixes


def sign_in_azure(request, permission):
    if "sig" not in request.query:
        raise Refused(403, "AuthenticationFailed", "Server failed to authenticate the request.")
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if request.query["se"] < now:
        raise Refused(
            403, "AuthenticationFailed",
            f"Server failed to authenticate the request. Signature not valid in the specified time frame: Expiry [{request.query['se']}]",
        )
    if request.query["sig"] != os.environ["SAS_SIGNATURE"]:
        raise Refused(403, "AuthenticationFailed", "Server failed to authenticate the request. Signature did not match.")
    if permission not in request.query["sp"]:
        raise Refused(
            403, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission."
        )


def azure(request):
    permission = {"GET": "r", "HEAD": "r", "PUT": "w", "DELETE": "d"}[request.command]
    if request.query.get("comp") == "list":
        permission = "l"
    sign_in_azure(request, permission)
    folder = FOLDER / "azure" / request.parts[0]
    if not folder.exists():
        raise Refused(404, "ContainerNotFound", "The specified container does not exist.")
    if request.query.get("comp") == "list":
        return list_azure(request, folder)
    if len(request.parts) == 1:
        return request.answer(200, headers={"x-ms-version": "2020-10-02"})
    path = folder.joinpath(*request.parts[1:])
    if request.command == "PUT":
        return put_azure(request, path)
    if not path.is_file():
        raise Refused(404, "BlobNotFound", "The specified blob does not exist.")
    content = path.read_bytes()
    if request.command == "DELETE":
        path.unlink()
        return request.answer(202)
    headers = {
        "Last-Modified": email.utils.formatdate(path.stat().st_mtime, usegmt=True), "ETag": '"0x1"', "x-ms-blob-type": "BlockBlob",
        "Content-Type": "application/octet-stream", "Content-MD5": digest(content), "x-ms-version": "2020-10-02",
    }
    request.answer(200, content, headers, len(content))


def put_azure(request, path):
    comp = request.query.get("comp", "")
    blocks = FOLDER / "blocks" / hashlib.sha256(str(path).encode()).hexdigest()
    headers = {"ETag": '"0x1"', "Last-Modified": email.utils.formatdate(usegmt=True), "x-ms-request-server-encrypted": "true"}
    if comp == "block":
        blocks.mkdir(parents=True, exist_ok=True)
        (blocks / request.query["blockid"].replace("/", "_")).write_bytes(request.body)
        return request.answer(201, headers=headers)
    if comp == "tier":
        return request.answer(200, headers=headers)
    content = request.body
    if comp == "blocklist":
        ids = [part.split("</Latest>")[0] for part in content.decode().split("<Latest>")[1:]]
        content = b"".join((blocks / each.replace("/", "_")).read_bytes() for each in ids)
        shutil.rmtree(blocks, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    request.answer(201, headers={**headers, "Content-MD5": digest(request.body)})


def list_azure(request, folder):
    blobs, prefixes = listed(folder, request.query.get("prefix", ""), request.query.get("delimiter"))
    escape = xml.sax.saxutils.escape
    entries = "".join(
        f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{email.utils.formatdate(path.stat().st_mtime, usegmt=True)}"
        f"</Last-Modified><Etag>0x1</Etag><Content-Length>{path.stat().st_size}</Content-Length><Content-Type>application/octet-stream"
        f"</Content-Type><Content-MD5>{digest(path.read_bytes())}</Content-MD5><BlobType>BlockBlob</BlobType></Properties></Blob>"
        for name, path in blobs
    ) + "".join(f"<BlobPrefix><Name>{escape(prefix)}</Name></BlobPrefix>" for prefix in prefixes)
    body = f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{entries}</Blobs><NextMarker/></EnumerationResults>'
    request.answer(200, body.encode(), {"Content-Type": "application/xml"})


def google(request):
    if request.parts == ["token"]:
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        claims = form["assertion"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        if claims["iss"] != "exporter@acme.example":
            body = json.dumps({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}).encode()
            return request.answer(400, body, {"Content-Type": "application/json"})
        body = json.dumps({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}).encode()
        return request.answer(200, body, {"Content-Type": "application/json"})
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        raise Refused(401, "authError", "Invalid Credentials")
    is_upload = request.parts[0] == "upload"
    bucket, *rest = request.parts[request.parts.index("b") + 1:]
    folder = FOLDER / "google" / bucket
    if not folder.exists():
        raise Refused(404, "notFound", "The specified bucket does not exist.")
    if is_upload:
        return upload_google(request, folder)
    if rest == ["o"]:
        blobs, prefixes = listed(folder, request.query.get("prefix", ""), request.query.get("delimiter"))
        body = {"kind": "storage#objects", "items": [item(request, bucket, *each) for each in blobs], "prefixes": prefixes}
        return request.answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})
    path = folder / "/".join(rest[1:])
    if not path.is_file():
        raise Refused(404, "notFound", "No such object")
    if request.command == "DELETE":
        path.unlink()
        return request.answer(204)
    if request.query.get("alt") == "media":
        return request.answer(200, path.read_bytes(), {"Content-Type": "application/octet-stream"})
    request.answer(
        200, json.dumps(item(request, bucket, "/".join(rest[1:]), path)).encode(), {"Content-Type": "application/json"}
    )


def item(request, bucket, name, path):
    content = path.read_bytes()
    media = f"http://{request.headers['Host']}/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}?alt=media"
    return {
        "kind": "storage#object", "name": name, "bucket": bucket, "size": str(len(content)), "md5Hash": digest(content),
        "updated": "2026-11-27T00:00:00.000Z", "timeCreated": "2026-11-27T00:00:00.000Z", "mediaLink": media,
        "contentType": "application/octet-stream", "metadata": {},
    }


UPLOADS = {}


def upload_google(request, folder):
    if request.query.get("uploadType") == "multipart":
        boundary = b"--" + request.headers["Content-Type"].split("boundary=")[1].strip('"').encode()
        described, content = request.body.split(boundary)[1:3]
        name = json.loads(described.split(b"\r\n\r\n", 1)[1])["name"]
        content = content.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")
    elif "upload_id" not in request.query:
        key = str(len(UPLOADS))
        UPLOADS[key] = [json.loads(request.body)["name"], b""]
        return request.answer(200, headers={"Location": f"http://{request.headers['Host']}{request.path}&upload_id={key}"})
    else:
        upload = UPLOADS[request.query["upload_id"]]
        upload[1] += request.body
        if request.headers["Content-Range"].endswith("/*"):
            last = len(upload[1]) - 1
            return request.answer(308, headers={"Range": f"bytes=0-{last}", "X-HTTP-Status-Code-Override": "308"})
        name, content = upload
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    request.answer(200, json.dumps(item(request, folder.name, name, path)).encode(), {"Content-Type": "application/json"})


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()
