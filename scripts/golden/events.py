#!/usr/bin/env python3
"""Makes tests/golden/train/events.json: records of an event file as the tensorboard package writes them.

    python scripts/golden/events.py

Oracle: tensorboard 2.21.0. Each record holds the scalars and the whole frame in hexadecimal digits.
"""
import io
import json
import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/train/events.json"


def framed(event):
    file = io.BytesIO()
    RecordWriter(file).write(event.SerializeToString())
    return file.getvalue().hex()


def scalars(step, values):
    summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=t, simple_value=v) for t, v in values.items()])
    event = event_pb2.Event(wall_time=1234567890.5, step=step, summary=summary)
    return {"step": step, "scalars": values, "record": framed(event)}


def main():
    version = framed(event_pb2.Event(wall_time=1234567890.5, file_version="brain.Event:2"))
    records = [scalars(1, {"loss/train": 1.25}), scalars(300, {"learning_rate": 1e-4, "loss/validation": 0.1}),
               scalars(2**40, {"x" * 200: -0.5})]
    OUT.write_text(json.dumps({"wall_time": 1234567890.5, "version": version, "records": records}, indent=1) + "\n")


if __name__ == "__main__":
    main()
