"""The JSON Schema for policy files, as an editor uses it, against the policies and the mistakes that the tests have."""

import json
import re
import subprocess

import jsonschema
import pytest
import yaml

from harness import ROOT, SIPGUARDCTL

SCHEMA = json.loads((ROOT / "Sources/PolicyFile/policy.schema.json").read_text())
BAD = sorted((ROOT / "Tests/PolicyFileTests/Fixtures/bad").glob("*.yaml"))

# Mistakes that no schema sees, since they lie between two places or in a sum. `sipguardctl policy check` finds them.
BEYOND = {
    "duplicate-keys-on-one-line", "durations-out-of-range", "name-of-two-kinds", "no-catch-all", "switch-of-unknown-name",
}


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors and sipguardd read it: `off` is a word and no boolean."""


Core.yaml_implicit_resolvers = {}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))
Core.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
Core.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+\.[0-9]+$"), list("-+0123456789"))
Core.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^(~|null|)$"), ["~", "n", ""])


def problems(text):
    """What an editor underlines; that the text is no YAML is one of these."""
    try:
        document = yaml.load(text, Core)
    except yaml.YAMLError as error:
        return [str(error)]
    validator = jsonschema.Draft7Validator(SCHEMA)
    return [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(document)]


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_command_line_prints_it():
    printed = subprocess.run([SIPGUARDCTL, "policy", "schema"], capture_output=True, text=True, timeout=10, check=True).stdout
    assert json.loads(printed) == SCHEMA


def test_the_built_in_policy_is_valid():
    assert problems((ROOT / "Sources/PolicyFile/default-policy.yaml").read_text()) == []


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_mistakes_are_seen(file):
    assert bool(problems(file.read_text())) != (file.stem in BEYOND)


@pytest.mark.parametrize("page", ["docs/policy.md"])
def test_examples_of_the_documents_are_valid(page):
    blocks = re.findall(r"```yaml\n(version: 1\n.*?)```", (ROOT / page).read_text(), re.S)
    assert blocks
    for block in blocks:
        assert problems(block) == []
