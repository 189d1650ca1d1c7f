"""A Grafana data source for the things API, as a small proof of concept in Python. Benchmarks compare
Graft with it.

Grafana starts it, reads one line from its stdout, and then asks it by gRPC. The modules `pluginv2_pb2`
and `pluginv2_pb2_grpc` are generated from proto/pluginv2.proto.
"""

import json
import os
import sys
import tempfile
from concurrent import futures
from urllib.parse import quote

import grpc
import pyarrow as pa
import requests
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

import pluginv2_pb2 as pb
import pluginv2_pb2_grpc as services

# Requests of all queries share it, so that connections are used again.
SESSION = requests.Session()


class Data(services.DataServicer):
    def QueryData(self, request, context):
        datasource = request.pluginContext.dataSourceInstanceSettings
        response = pb.QueryDataResponse()
        for query in request.queries:
            response.responses[query.refId].CopyFrom(answer(datasource, query))
        return response


class Diagnostics(services.DiagnosticsServicer):
    def CheckHealth(self, request, context):
        datasource = request.pluginContext.dataSourceInstanceSettings
        try:
            SESSION.get(datasource.url, timeout=30)
        except requests.RequestException as problem:
            return pb.CheckHealthResponse(status=pb.CheckHealthResponse.ERROR, message=str(problem))
        return pb.CheckHealthResponse(
            status=pb.CheckHealthResponse.OK, message="The API answers."
        )


def answer(datasource, query):
    """The answer to one query, whatever goes wrong."""
    try:
        model = json.loads(query.json)
        series = fetch(datasource, query, model)
        return pb.DataResponse(frames=[frame(model["table"], series)], status=200)
    except requests.RequestException as problem:
        return pb.DataResponse(error=str(problem), status=502, errorSource="downstream")
    except Exception as problem:
        error = f"{type(problem).__name__}: {problem}"
        return pb.DataResponse(error=error, status=500, errorSource="plugin")


def fetch(datasource, query, model):
    """What the API has in the table: a list of series."""
    thing = json.loads(datasource.jsonData)["thing"]
    fields = ["_time", *(field for field in model["fields"] if field != "_time")]
    parameters = {
        "from": query.timeRange.fromEpochMS / 1e3,
        "to": query.timeRange.toEpochMS / 1e3,
        "fields": fields,
        "indexes": model.get("indexes", []),
        "meta": "true",
    }
    path = f"/api/things/{quote(thing, safe='')}/db/{quote(model['table'], safe='')}/frames"
    response = SESSION.get(datasource.url.rstrip("/") + path, params=parameters, timeout=30)
    response.raise_for_status()
    return response.json()


def frame(name, series):
    """A data frame of the API's series: an Arrow file, as Grafana reads it."""
    fields, columns = [], []
    for one in series:
        metadata = {"name": one["name"]}
        if one["name"] == "_time":
            kind = pa.timestamp("ns")
            values = pa.array([round(value * 1e6) * 1000 for value in one["values"]], kind)
        else:
            kind = pa.float64()
            values = pa.array(one["values"], kind)
            metadata["config"] = json.dumps({"displayNameFromDS": title(one.get("meta", {}))})
        fields.append(pa.field(one["name"], kind, one["name"] != "_time", metadata))
        columns.append(values)
    meta = json.dumps({"type": "timeseries-wide", "typeVersion": [0, 1]})
    schema = pa.schema(fields, {"name": name, "meta": meta})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch(columns, schema=schema))
    return sink.getvalue().to_pybytes()


def title(meta):
    return f"{meta.get('group_txt', '')}: {meta.get('txt', '')}".strip(": ")


def serve():
    if os.environ.get("grafana_plugin_type") != "datasource":
        sys.exit("This is a plugin: Grafana starts it.")
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=10))
    services.add_DataServicer_to_server(Data(), server)
    services.add_DiagnosticsServicer_to_server(Diagnostics(), server)
    alive = health.HealthServicer()
    alive.set("plugin", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(alive, server)
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/plugin"
        server.add_insecure_port(f"unix:{address}")
        server.start()
        print(f"1|2|unix|{address}|grpc", flush=True)
        server.wait_for_termination()


if __name__ == "__main__":
    serve()
