"""Reads the OpenAPI documents of a server and holds them to the specifications.

Every document of /openapi/v3, and /openapi/v2, must pass openapi-spec-validator; beyond that, operation ids are unique
over all documents, every operation says what it does to which kind, and everything that discovery lists is described.
"""

import json

from kubernetes import client, config
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator

METHODS = {"get", "put", "post", "delete", "patch"}


def fetch(api, path):
    headers = {"Accept": "application/json"}
    token = api.configuration.get_api_key_with_prefix("authorization")
    if token:
        headers["Authorization"] = token
    answer = api.rest_client.pool_manager.request("GET", api.configuration.host + path, headers=headers)
    assert answer.status == 200, f"{path}: {answer.status}"
    return json.loads(answer.data)


def without_zero_defaults(value):
    """Kubernetes' documents, and so ours, give Go's zero values ({} and "") as defaults even where the schema would not
    take them; a validator that tries defaults out has to do without those."""
    if isinstance(value, dict):
        return {
            key: without_zero_defaults(member)
            for key, member in value.items()
            if not (key == "default" and member in ({}, ""))
        }
    if isinstance(value, list):
        return [without_zero_defaults(member) for member in value]
    return value


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def main():
    config.load_kube_config()
    api = client.ApiClient()
    problems = []
    seen = {}
    described = set()
    index = fetch(api, "/openapi/v3")["paths"]
    for name, entry in sorted(index.items()):
        document = fetch(api, entry["serverRelativeURL"])
        for error in OpenAPIV30SpecValidator(without_zero_defaults(document)).iter_errors():
            problems.append(f"{name}: {error.message[:200]} at {list(error.absolute_path)[:8]}")
        for path, method, operation in operations(document):
            identifier = operation["operationId"]
            if identifier in seen:
                problems.append(f"{identifier} is both {seen[identifier]} and {path}")
            seen[identifier] = path
            described.add((path, method))
            if path.rstrip("/").count("/") > 2 and not path.endswith("/"):
                kind = operation.get("x-kubernetes-group-version-kind", {})
                if not kind.get("kind") or not operation.get("x-kubernetes-action"):
                    problems.append(f"{method} {path} does not say what it is about")

    second = fetch(api, "/openapi/v2")
    for error in OpenAPIV2SpecValidator(without_zero_defaults(second)).iter_errors():
        problems.append(f"v2: {error.message[:200]} at {list(error.absolute_path)[:8]}")
    if {(path, method) for path, method, _ in operations(second)} != described:
        problems.append("v2 and v3 describe different operations")

    # What discovery lists can be found in the documents.
    methods = {"get": "get", "list": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete"}
    for name in index:
        root = "/" + name
        if name.count("/") < 1 or name == "apis":
            continue
        for resource in fetch(api, root)["resources"]:
            plural, _, subresource = resource["name"].partition("/")
            base = root + ("/namespaces/{namespace}/" if resource["namespaced"] else "/") + plural
            for verb in resource["verbs"]:
                if verb not in methods:
                    continue
                path = base if verb in ("list", "create") else base + "/{name}"
                if subresource:
                    if subresource not in ("status", "scale", "finalize", "eviction"):
                        continue
                    path = f"{base}/{{name}}/{subresource}"
                if (path, methods[verb]) not in described:
                    problems.append(f"{verb} of {resource['name']} in {name} is not described")

    assert not problems, "\n".join(problems[:40])
    print(f"ok {len(index)} documents")


main()
