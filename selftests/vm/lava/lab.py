#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The part of a LAVA server that lava-run does without, in the parsers that LAVA itself has.

lab.py device JOB: the device for it, from LAVA's own template
lab.py results LOGS: what the tests gave, a line each: their set, name and result
lab.py console LOGS: what the device printed
"""
import sys

from jinja2 import FileSystemLoader
from lava_common.jinja import create_device_templates_env
from lava_common.yaml import yaml_safe_load

TEMPLATES = "/usr/share/lava-server/device-types"


def device(job):
    """The template takes what the job's context says."""
    template = create_device_templates_env(FileSystemLoader(TEMPLATES)).get_template(
        job["device_type"] + ".jinja2")
    print(template.render(**job["context"]))


def results(logs):
    """Those of LAVA's own stages are not the tests'."""
    for entry in logs:
        result = entry["msg"]
        if entry["lvl"] == "results" and result["definition"] != "lava":
            print(result.get("set", "-"), result["case"], result["result"])


def console(logs):
    """As LAVA takes it from there, line by line."""
    for entry in logs:
        if entry["lvl"] == "target":
            print(entry["msg"])


if __name__ == "__main__":
    with open(sys.argv[2], encoding="utf-8") as contents:
        {"device": device, "results": results, "console": console}[sys.argv[1]](
            yaml_safe_load(contents))
