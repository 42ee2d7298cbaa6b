#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""crd.py FILE...: are these manifests valid against packaging/crds?

As an API server with strict field validation sees them: a field that the schema does not know is
refused, too. Without files it checks the sample policy, and that the schemas refuse what they must.
"""
import copy
import pathlib
import sys

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


def strict(schema):
    """nullable and unknown fields, which JSON schema says otherwise."""
    schema = copy.deepcopy(schema)
    for child in list(schema.get("properties", {})):
        schema["properties"][child] = strict(schema["properties"][child])
    for child in ("items", "additionalProperties"):
        if isinstance(schema.get(child), dict):
            schema[child] = strict(schema[child])
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema["additionalProperties"] = False
    if schema.pop("nullable", False):
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = schema["enum"] + [None]
    return schema


def load_schemas():
    schemas = {}
    for path in sorted((ROOT / "packaging/crds").glob("workload*.yaml")):
        crd = yaml.safe_load(path.read_text())
        names, (version,) = crd["spec"]["names"], crd["spec"]["versions"]
        assert crd["metadata"]["name"] == f"{names['plural']}.{crd['spec']['group']}", path
        schema = strict(version["schema"]["openAPIV3Schema"])
        jsonschema.Draft7Validator.check_schema(schema)
        schemas[f"{crd['spec']['group']}/{version['name']}", names["kind"]] = schema
    return schemas


def problems(schemas, manifest):
    schema = schemas.get((manifest.get("apiVersion"), manifest.get("kind")))
    if schema is None:
        return [f"no schema for {manifest.get('apiVersion')} {manifest.get('kind')}"]
    found = jsonschema.Draft7Validator(schema).iter_errors(manifest)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


def refused():
    """Manifests that mapd refuses and a schema can."""
    sample = yaml.safe_load((ROOT / "packaging/policies/web.yaml").read_text())
    rules = ("spec", "rulesByContainer", "nginx")
    for path, value in [
        (("spec", "mode"), "enforce"),
        (("spec", "mode"), None),
        (("spec", "severity"), 3),
        (("spec", "otherContainers"), "kill"),
        (("spec", "runningProcesses"), "stop"),
        (rules + ("allow",), ["everything"]),
        (rules + ("executables", "interpreters"), "any"),
        (rules + ("executables", "allowed"), ["bin/sh"]),
        (rules + ("executables", "allowed"), ["/"]),
        (rules + ("executables", "allowed"), ["/bin/../sh"]),
        (rules + ("executables", "allowed"), ["/bin/./sh"]),
        (rules + ("executables", "allowed"), ["/bin//sh"]),
        (rules + ("executables", "allowed"), ["/" + "a" * 4095]),
        (rules + ("executables", "allowed"), [1]),
    ]:
        manifest = copy.deepcopy(sample)
        at = manifest
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = value
        yield f"{'.'.join(path)}: {str(value)[:40]}", manifest


def main(files):
    schemas = load_schemas()
    bad = 0
    for file in files or [ROOT / "packaging/policies/web.yaml"]:
        for manifest in yaml.safe_load_all(pathlib.Path(file).read_text()):
            for problem in problems(schemas, manifest):
                print(f"{file}: {problem}", file=sys.stderr)
                bad += 1
    if not files:
        for name, manifest in refused():
            if not problems(schemas, manifest):
                print(f"not refused: {name}", file=sys.stderr)
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
