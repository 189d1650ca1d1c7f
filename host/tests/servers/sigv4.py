"""An API that takes requests with AWS's signature alone, which AWS's own code checks, and AWS's token service.

Prints where both are, and ends with its standard input.
"""

import hmac
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION, KEYS, IDENTITY = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]

STS = """<AssumeRole{kind}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRole{kind}Result><Credentials>
<AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>
<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRole{kind}Result></AssumeRole{kind}Response>"""
STS_ERROR = "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"


def problem(method, path, headers, body):
    """What is wrong with a request's signature, if anything."""
    algorithm, _, parameters = headers.get("authorization", "").partition(" ")
    if algorithm != "AWS4-HMAC-SHA256":
        return "There is no signature."
    fields = dict(part.strip().split("=", 1) for part in parameters.split(","))
    key_id, date, region, service, _ = fields["Credential"].split("/")
    if region != REGION:
        return f"The region is {region}."
    if key_id not in KEYS:
        return f"There is no key {key_id}."
    signed = fields["SignedHeaders"].split(";")
    if "host" not in signed:
        return "The host is not signed."
    secret, token = KEYS[key_id]
    if token and ("x-amz-security-token" not in signed or headers.get("x-amz-security-token") != token):
        return "The session token is not there, or not signed."
    timestamp = headers["x-amz-date"]
    if timestamp[:8] != date:
        return "The date is not that of the scope."
    url = f"http://{headers['host']}{path}"
    request = AWSRequest(method=method, url=url, data=body, headers={name: headers[name] for name in signed})
    request.context["timestamp"] = timestamp
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials(key_id, secret, token or None), service, region)
    canonical = auth.canonical_request(request)
    expected = auth.signature(auth.string_to_sign(request, canonical), request)
    return None if hmac.compare_digest(expected, fields["Signature"]) else f"The signature is not that of: {canonical}"


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, content_type, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        return headers, self.rfile.read(int(headers.get("content-length", "0")))


class Api(Server):
    def do_GET(self):
        headers, body = self.read()
        wrong = problem(self.command, self.path, headers, body)
        if wrong:
            self.answer(403, "application/json", json.dumps({"message": wrong}))
        else:
            self.answer(200, "application/json", json.dumps({"path": self.path, "body": body.decode()}))

    do_POST = do_GET


class Sts(Server):
    def do_POST(self):
        headers, body = self.read()
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        kind = {"AssumeRoleWithWebIdentity": "WithWebIdentity", "AssumeRole": ""}[form["Action"]]
        wrong = problem(self.command, self.path, headers, body) if kind == "" else None
        if kind and form.get("WebIdentityToken") != IDENTITY:
            self.answer(400, "text/xml", STS_ERROR.format(code="InvalidIdentityToken", message="Nobody knows that token."))
        elif wrong:
            self.answer(403, "text/xml", STS_ERROR.format(code="SignatureDoesNotMatch", message=wrong[:100]))
        else:
            key_id = form["RoleArn"].rpartition("/")[2]
            secret, token = KEYS[key_id]
            self.answer(200, "text/xml", STS.format(kind=kind, id=key_id, secret=secret, token=token))


servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Api, Sts)]
for server in servers:
    threading.Thread(target=server.serve_forever, daemon=True).start()
url, sts = (f"http://127.0.0.1:{server.server_port}" for server in servers)
print(json.dumps({"url": url, "sts": f"{sts}/"}), flush=True)
sys.stdin.read()
