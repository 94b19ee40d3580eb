"""What schemathesis is told beside the OpenAPI documents of the server."""

import schemathesis

# 501: what only a kubelet could do. 504: a version that the server has not reached yet, as in Kubernetes.
DELIBERATE = {501, 504}


@schemathesis.hook
def map_query(context, query):
    """A watch has no end of its own."""
    if query:
        query = {key: value for key, value in query.items() if key != "watch"}
    return query


@schemathesis.hook
def filter_case(context, case):
    """The namespace that holds the server's own objects stays; the coverage phase makes cases past map_query."""
    return not (case.query and "watch" in case.query)


@schemathesis.check
def answers_for_itself(context, response, case):
    """No server error but the deliberate ones, and every refusal is a Status of the API."""
    if response.status_code >= 500 and response.status_code not in DELIBERATE:
        raise AssertionError(f"{response.status_code}: {response.text[:500]}")
    if response.status_code >= 400:
        body = response.json()
        if body.get("kind") != "Status" or body.get("code") != response.status_code:
            raise AssertionError(f"no Status: {response.text[:500]}")
