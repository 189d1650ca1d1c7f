"""Reads every golden Arrow file with pyarrow and compares it with its JSON twin, as Grafana would read it.

Both are written by the same program; this one shares no code with it, so that a mistake has to be made twice.
"""

import json
import math
import struct
import sys
from pathlib import Path

import pyarrow as pa

# Grafana's types by Arrow's, and what browsers call them.
TYPES = {
    pa.int8(): ("int8", "number"),
    pa.int16(): ("int16", "number"),
    pa.int32(): ("int32", "number"),
    pa.int64(): ("int64", "number"),
    pa.uint8(): ("uint8", "number"),
    pa.uint16(): ("uint16", "number"),
    pa.uint32(): ("uint32", "number"),
    pa.uint64(): ("uint64", "number"),
    pa.float32(): ("float32", "number"),
    pa.float64(): ("float64", "number"),
    pa.string(): ("string", "string"),
    pa.bool_(): ("bool", "boolean"),
    pa.timestamp("ns"): ("time.Time", "time"),
    pa.binary(): ("json.RawMessage", "other"),
}


def metadata(of):
    return {key.decode(): value.decode() for key, value in (of.metadata or {}).items()}


def schema_of_arrow(schema):
    """The JSON schema that belongs to an Arrow schema."""
    expected = metadata(schema)
    if "meta" in expected:
        expected["meta"] = json.loads(expected["meta"])
    expected = {key: value for key, value in expected.items() if value != ""}
    expected["fields"] = [field_of_arrow(field) for field in schema]
    return expected


def field_of_arrow(field):
    frame_type, browser_type = TYPES[field.type]
    said = metadata(field)
    if said["tstype"] == "enum" and field.type == pa.uint16():
        frame_type = browser_type = "enum"
    said_type = said.pop("tstype")
    assert said_type == browser_type, f"{field.name} is of type {said_type}, not {browser_type}"
    expected = {key: json.loads(value) for key, value in said.items()}
    expected |= {"type": browser_type, "typeInfo": {"frame": frame_type}}
    if field.name:
        expected["name"] = field.name
    if field.nullable:
        expected["typeInfo"]["nullable"] = True
    return expected


def values_of_arrow(column):
    if column.type == pa.timestamp("ns"):
        return column.cast(pa.int64()).to_pylist()
    if column.type == pa.binary():
        return [value and json.loads(value) for value in column.to_pylist()]
    return column.to_pylist()


def values_of_json(data, index, frame_type):
    values = list(data["values"][index])
    entities = (data.get("entities") or {index: None})[index] or {}
    for name, number in (("NaN", math.nan), ("Inf", math.inf), ("NegInf", -math.inf)):
        for row in entities.get(name, []):
            assert values[row] is None, "an entity stands where null is"
            values[row] = number
    if frame_type == "time.Time":
        nanos = (data.get("nanos") or {index: None})[index] or [0] * len(values)
        times = zip(values, nanos, strict=True)
        return [None if value is None else value * 1_000_000 + rest for value, rest in times]
    if frame_type == "float32":
        return [value if value is None else struct.unpack("f", struct.pack("f", value))[0] for value in values]
    return values


def same(left, right):
    if isinstance(left, float) and isinstance(right, float):
        return struct.pack("d", left) == struct.pack("d", right) or (math.isnan(left) and math.isnan(right))
    return type(left) is type(right) and left == right


def check(path):
    document = json.loads(path.with_suffix(".json").read_bytes())
    assert list(document) == ["schema", "data"], "the schema comes first"
    order = [key for key in ("values", "entities", "nanos") if key in document["data"]]
    assert list(document["data"]) == order, "the values come first"

    with pa.ipc.open_file(path) as reader:
        schema, batches = reader.schema, reader.num_record_batches
        table = reader.read_all()
    table.validate(full=True)
    assert batches == (1 if table.num_rows else 0), f"{batches} record batches"
    expected = schema_of_arrow(schema)
    assert expected == document["schema"], f"{expected} in Arrow and {document['schema']} in JSON"
    columns = len(document["data"]["values"])
    assert columns == len(schema), f"{len(schema)} columns in Arrow and {columns} in JSON"
    for index, field in enumerate(document["schema"]["fields"]):
        left = values_of_arrow(table.column(index))
        right = values_of_json(document["data"], index, field["typeInfo"]["frame"])
        assert len(left) == len(right), f"field {index} has {len(left)} values in Arrow and {len(right)} in JSON"
        for row, (one, other) in enumerate(zip(left, right)):
            assert same(one, other), f"field {index}, row {row}: {one!r} in Arrow and {other!r} in JSON"


def main():
    paths = sorted(Path(__file__).parent.glob("*.arrow"))
    for path in paths:
        try:
            check(path)
        except AssertionError as error:
            sys.exit(f"{path.name}: {error}")
    print(f"{len(paths)} cases agree")


if __name__ == "__main__":
    main()
