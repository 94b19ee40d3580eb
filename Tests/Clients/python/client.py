"""Drives a server with the official Python client. usage: client.py TEST...; KUBECONFIG names the server."""

import datetime
import sys
import threading
import uuid

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException

MERGE = "application/merge-patch+json"

core = None
networking = None


def refused(status, reason, call, *arguments, **options):
    """Calls and insists on an error with this status and reason; returns the Status' text."""
    try:
        call(*arguments, **options)
    except ApiException as error:
        assert error.status == status, (error.status, error.body)
        assert f'"reason":"{reason}"' in error.body.replace('": "', '":"'), error.body
        return error.body
    raise AssertionError(f"no error, wanted {status} {reason}")


def namespace():
    name = "py-" + uuid.uuid4().hex[:8]
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    return name


def config_map(name, labels=None, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels), data=data)


def service(name, **spec):
    spec.setdefault("ports", [client.V1ServicePort(port=80, target_port=8080)])
    return client.V1Service(metadata=client.V1ObjectMeta(name=name), spec=client.V1ServiceSpec(**spec))


def crud():
    ns = namespace()
    made = core.create_namespaced_service(ns, service("web", selector={"app": "web"}))
    assert made.metadata.uid and made.metadata.resource_version and made.metadata.creation_timestamp
    assert isinstance(made.metadata.creation_timestamp, datetime.datetime)
    assert made.spec.cluster_ip and made.spec.cluster_ips == [made.spec.cluster_ip]
    assert made.spec.type == "ClusterIP" and made.spec.session_affinity == "None"
    assert made.spec.ports[0].protocol == "TCP" and made.spec.ports[0].target_port == 8080
    read = core.read_namespaced_service("web", ns)
    assert read.metadata.uid == made.metadata.uid
    read.spec.ports.append(client.V1ServicePort(name="metrics", port=9090))
    read.spec.ports[0].name = "http"
    changed = core.replace_namespaced_service("web", ns, read)
    assert [port.name for port in changed.spec.ports] == ["http", "metrics"]
    assert changed.spec.cluster_ip == made.spec.cluster_ip
    assert [item.metadata.name for item in core.list_namespaced_service(ns).items] == ["web"]
    core.delete_namespaced_service("web", ns)
    refused(404, "NotFound", core.read_namespaced_service, "web", ns)
    refused(404, "NotFound", core.delete_namespaced_service, "web", ns)


def kinds():
    ns = namespace()
    meta = lambda name: client.V1ObjectMeta(name=name)
    secret = core.create_namespaced_secret(ns, client.V1Secret(metadata=meta("s"), string_data={"a": "b"}))
    assert secret.data == {"a": "Yg=="} and secret.string_data is None and secret.type == "Opaque"
    assert core.create_namespaced_service_account(ns, client.V1ServiceAccount(metadata=meta("sa"))).metadata.uid
    pod = client.V1Pod(
        metadata=client.V1ObjectMeta(name="p", labels={"app": "p"}),
        spec=client.V1PodSpec(containers=[client.V1Container(
            name="c", image="example/c:1", ports=[client.V1ContainerPort(container_port=80, name="http")],
            readiness_probe=client.V1Probe(http_get=client.V1HTTPGetAction(path="/", port="http")))]))
    pod = core.create_namespaced_pod(ns, pod)
    assert pod.spec.containers[0].readiness_probe.period_seconds == 10
    assert pod.spec.restart_policy == "Always" and pod.status.phase == "Pending"
    pod.status.pod_ip = "127.0.0.9"
    pod.status.phase = "Running"
    assert core.replace_namespaced_pod_status("p", ns, pod).status.pod_ip == "127.0.0.9"
    endpoint = client.V1Endpoint(addresses=["127.0.0.9"], conditions=client.V1EndpointConditions(ready=True))
    port = client.DiscoveryV1EndpointPort(name="http", port=80)
    slice_ = client.V1EndpointSlice(
        metadata=meta("es"), address_type="IPv4", endpoints=[endpoint], ports=[port])
    assert client.DiscoveryV1Api().create_namespaced_endpoint_slice(ns, slice_).endpoints[0].addresses == ["127.0.0.9"]
    subset = client.V1EndpointSubset(
        addresses=[client.V1EndpointAddress(ip="127.0.0.9")], ports=[client.CoreV1EndpointPort(port=80)])
    assert core.create_namespaced_endpoints(
        ns, client.V1Endpoints(metadata=meta("e"), subsets=[subset])).subsets[0].ports[0].protocol == "TCP"
    ingress_class = client.V1IngressClass(
        metadata=meta("py-" + ns), spec=client.V1IngressClassSpec(controller="example.com/py"))
    networking.create_ingress_class(ingress_class)
    backend = client.V1IngressBackend(service=client.V1IngressServiceBackend(
        name="web", port=client.V1ServiceBackendPort(number=80)))
    path = client.V1HTTPIngressPath(path="/", path_type="Prefix", backend=backend)
    ingress = client.V1Ingress(metadata=meta("i"), spec=client.V1IngressSpec(
        ingress_class_name="py-" + ns,
        rules=[client.V1IngressRule(host="a.example.com", http=client.V1HTTPIngressRuleValue(paths=[path]))]))
    assert networking.create_namespaced_ingress(ns, ingress).spec.rules[0].http.paths[0].path_type == "Prefix"
    networking.delete_ingress_class("py-" + ns)
    now = datetime.datetime.now(datetime.timezone.utc)
    lease = client.V1Lease(metadata=meta("l"), spec=client.V1LeaseSpec(
        holder_identity="me", lease_duration_seconds=15, renew_time=now, acquire_time=now))
    made = client.CoordinationV1Api().create_namespaced_lease(ns, lease)
    assert abs((made.spec.renew_time - now).total_seconds()) < 0.001
    event = client.CoreV1Event(
        metadata=meta("ev"), involved_object=client.V1ObjectReference(kind="Pod", name="p", namespace=ns),
        reason="Tested", message="m", type="Normal", action="Test", event_time=now,
        reporting_component="example.com/py", reporting_instance="py-1")
    core.create_namespaced_event(ns, event)
    found = core.list_namespaced_event(ns, field_selector="involvedObject.name=p").items
    assert [item.reason for item in found] == ["Tested"]
    assert client.EventsV1Api().read_namespaced_event("ev", ns).note == "m"
    node = client.V1Node(metadata=meta("node-" + ns), spec=client.V1NodeSpec(
        taints=[client.V1Taint(key="k", effect="NoSchedule")]))
    assert core.create_node(node).spec.taints[0].effect == "NoSchedule"
    core.delete_node("node-" + ns)


def patches():
    ns = namespace()
    core.create_namespaced_service(ns, service("web", ports=[
        client.V1ServicePort(name="a", port=80), client.V1ServicePort(name="b", port=81)]))
    core.create_namespaced_config_map(ns, config_map("c", one="1", two="2"))
    strategic, merge, operational = (
        {"_content_type": f"application/{name}+json"} for name in ("strategic-merge-patch", "merge-patch", "json-patch"))
    changed = core.patch_namespaced_service(
        "web", ns, {"spec": {"ports": [{"port": 81, "targetPort": 8081}]}}, **strategic)
    assert sorted((port.port, port.target_port) for port in changed.spec.ports) == [(80, 80), (81, 8081)]
    changed = core.patch_namespaced_service(
        "web", ns, {"spec": {"ports": [{"port": 81, "$patch": "delete"}]}}, **strategic)
    assert [port.port for port in changed.spec.ports] == [80]
    operations = [{"op": "test", "path": "/data/one", "value": "1"}, {"op": "remove", "path": "/data/one"},
                  {"op": "add", "path": "/data/three", "value": "3"}]
    assert core.patch_namespaced_config_map("c", ns, operations, **operational).data == {"two": "2", "three": "3"}
    body = refused(422, "Invalid", core.patch_namespaced_config_map, "c", ns, operations, **operational)
    assert "one" in body or "test" in body, body
    merged = core.patch_namespaced_config_map(
        "c", ns, {"data": {"two": None, "four": "4"}}, **merge)
    assert merged.data == {"three": "3", "four": "4"}


def conflicts():
    ns = namespace()
    first = core.create_namespaced_config_map(ns, config_map("c", a="1"))
    second = core.read_namespaced_config_map("c", ns)
    first.data["a"] = "2"
    core.replace_namespaced_config_map("c", ns, first)
    second.data["a"] = "3"
    refused(409, "Conflict", core.replace_namespaced_config_map, "c", ns, second)
    refused(409, "AlreadyExists", core.create_namespaced_config_map, ns, config_map("c"))
    refused(409, "Conflict", core.delete_namespaced_config_map, "c", ns, body=client.V1DeleteOptions(
        preconditions=client.V1Preconditions(uid="00000000-0000-0000-0000-000000000000")))
    body = refused(422, "Invalid", core.create_namespaced_service, ns, service("UPPER", ports=[
        client.V1ServicePort(name="x", port=70000), client.V1ServicePort(name="x", port=80)]))
    for field in ("metadata.name", "spec.ports[0].port", "spec.ports[1].name"):
        assert field in body, (field, body)
    refused(404, "NotFound", core.create_namespaced_config_map, "no-such-namespace", config_map("c"))


def pagination():
    ns = namespace()
    for number in range(25):
        core.create_namespaced_config_map(ns, config_map(f"c{number:02}", {"half": str(number % 2)}))
    names, token, pages, versions = [], None, 0, set()
    while True:
        page = core.list_namespaced_config_map(ns, limit=10, _continue=token)
        names += [item.metadata.name for item in page.items]
        versions.add(page.metadata.resource_version)
        pages += 1
        if pages == 1:
            assert page.metadata.remaining_item_count == 15, page.metadata
            # The following pages show the collection as it was, whatever happens meanwhile.
            core.delete_namespaced_config_map("c24", ns)
            core.create_namespaced_config_map(ns, config_map("c10a"))
        token = page.metadata._continue
        if not token:
            break
    assert names == [f"c{number:02}" for number in range(25)], names
    assert pages == 3 and len(versions) == 1, (pages, versions)
    odd = core.list_namespaced_config_map(ns, label_selector="half in (1),half").items
    assert len(odd) == 12, len(odd)
    one = core.list_namespaced_config_map(ns, field_selector="metadata.name=c03").items
    assert [item.metadata.name for item in one] == ["c03"]
    refused(400, "BadRequest", core.list_namespaced_config_map, ns, label_selector="a=b=c")
    refused(400, "BadRequest", core.list_namespaced_config_map, ns, field_selector="spec.nothing=1")


def watches():
    ns = namespace()
    start = core.list_namespaced_config_map(ns).metadata.resource_version

    def write():
        core.create_namespaced_config_map(ns, config_map("a", {"app": "x"}, v="1"))
        core.patch_namespaced_config_map("a", ns, {"data": {"v": "2"}}, _content_type=MERGE)
        core.create_namespaced_config_map(ns, config_map("b"))
        core.patch_namespaced_config_map("a", ns, {"metadata": {"labels": {"app": "y"}}}, _content_type=MERGE)
        core.delete_namespaced_config_map("a", ns)

    writer = threading.Thread(target=write)
    writer.start()
    seen, versions = [], []
    stream = watch.Watch()
    for event in stream.stream(core.list_namespaced_config_map, ns, resource_version=start, timeout_seconds=20):
        seen.append((event["type"], event["object"].metadata.name))
        versions.append(int(event["object"].metadata.resource_version))
        if event["type"] == "DELETED":
            stream.stop()
    writer.join()
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "a")], seen
    assert versions == sorted(set(versions)), versions

    # The same history for a selector: an object that stops matching is deleted as far as the watcher is concerned.
    seen = []
    stream = watch.Watch()
    for event in stream.stream(core.list_namespaced_config_map, ns, resource_version=start, timeout_seconds=20,
                               label_selector="app=x"):
        seen.append((event["type"], event["object"].metadata.name))
        if event["type"] == "DELETED":
            stream.stop()
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")], seen

    # Without a version the watch starts with what there is; the timeout ends it.
    seen = [(event["type"], event["object"].metadata.name) for event in watch.Watch().stream(
        core.list_namespaced_config_map, ns, timeout_seconds=1)]
    assert seen == [("ADDED", "b")], seen


TESTS = {test.__name__: test for test in (crud, kinds, patches, conflicts, pagination, watches)}


def main():
    global core, networking
    config.load_kube_config()
    core = client.CoreV1Api()
    networking = client.NetworkingV1Api()
    for name in sys.argv[1:] or TESTS:
        TESTS[name]()
        print("ok", name)


if __name__ == "__main__":
    main()
