"""Reads a Grafana dashboard with Grafana's own types and prints what of it they do not know; nothing where it is valid.

Panel options are typed by panel plugin: each panel is read by the model of its plugin as well.
"""

import json
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models import stat, statetimeline, table, timeseries

OPTIONS = {"stat": stat, "state-timeline": statetimeline, "table": table, "timeseries": timeseries}


def lost(before, after, path=""):
    """Paths of `before` that reading and writing lost or changed."""
    if isinstance(before, dict):
        for key, value in before.items():
            if not isinstance(after, dict) or key not in after:
                yield f"{path}/{key} is not known"
            else:
                yield from lost(value, after[key], f"{path}/{key}")
    elif isinstance(before, list):
        for at, value in enumerate(before):
            yield from lost(value, after[at], f"{path}/{at}") if at < len(after) else [f"{path}/{at} is lost"]
    elif before != after:
        yield f"{path}: {before!r} was read as {after!r}"


def read(model, data):
    return json.loads(JSONEncoder().encode(model.from_json(data)))


with open(sys.argv[1], encoding="utf-8") as file:
    whole = json.load(file)
faults = list(lost(whole, read(dashboard.Dashboard, whole)))
for panel in whole["panels"]:
    model = OPTIONS[panel["type"]].Options
    faults += lost(panel["options"], read(model, panel["options"]), panel["title"])
print("\n".join(faults), end="")
