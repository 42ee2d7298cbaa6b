#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""collector.py PORT|SOCKET FOLDER: an OpenTelemetry collector for logs, as far as it matters here.

Requests are decoded by the official definitions (opentelemetry-proto). FOLDER/behaviour says what it does
with each: `ok`, `slow SECONDS`, `partial COUNT`, or `STATUS [RETRY-AFTER]`. Into FOLDER/requests goes a line
for each request, STATUS and time; into FOLDER/records a line of JSON for each record that was taken."""
import json
import os
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

place, folder = sys.argv[1:]


def plain(value):
    """An AnyValue as Python has it."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None


def attributes(pairs):
    return {pair.key: plain(pair.value) for pair in pairs}


def lines(request):
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield json.dumps({
                    "event": record.event_name, "severity": record.severity_number, "text": record.severity_text,
                    "body": plain(record.body), "time": record.time_unix_nano,
                    "observed": record.observed_time_unix_nano, "scope": scope.scope.name,
                    "resource": attributes(resource.resource.attributes), "attributes": attributes(record.attributes),
                }, sort_keys=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "mapd"

    def log_message(self, *_):
        pass

    def note(self, status):
        with open(f"{folder}/requests", "a") as file:
            print(status, time.time(), self.path, self.headers.get("X-Token", "-"), file=file)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/x-protobuf"
        request = ExportLogsServiceRequest.FromString(body)
        with open(f"{folder}/behaviour") as file:
            words = file.read().split()
        if words[0] == "slow":
            self.note("slow")
            time.sleep(float(words[1]))
            self.close_connection = True
            return
        response = ExportLogsServiceResponse()
        if words[0] == "partial":
            response.partial_success.rejected_log_records = int(words[1])
        status = 200 if words[0] in ("ok", "partial") else int(words[0])
        self.note(status)
        if words[0] == "ok":
            with open(f"{folder}/records", "a") as file:
                for line in lines(request):
                    print(line, file=file)
        answer = response.SerializeToString()
        self.send_response(status)
        if status != 200 and len(words) > 1:
            self.send_header("Retry-After", words[1])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class TCP(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


if place.startswith("/"):
    if os.path.exists(place):
        os.unlink(place)
    server = Unix(place, Handler)
else:
    server = TCP(("127.0.0.1", int(place)), Handler)
server.serve_forever()
