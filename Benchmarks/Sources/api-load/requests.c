/* The requests of each scenario. */
#include <stdio.h>
#include <string.h>

#include "load.h"

static int service_body(char *out, size_t size, long i, double stamp) {
    return snprintf(
        out, size,
        "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"svc-%06ld\",\"namespace\":\"%s\","
        "\"labels\":{\"app.kubernetes.io/name\":\"app-%ld\",\"app.kubernetes.io/part-of\":\"shop\",\"tier\":\"web\"},"
        "\"annotations\":{\"example.com/owner\":\"team-%ld\",\"example.com/changed\":\"%.0f\"}},"
        "\"spec\":{\"selector\":{\"app.kubernetes.io/name\":\"app-%ld\"},\"ports\":[{\"name\":\"http\","
        "\"protocol\":\"TCP\",\"port\":80,\"targetPort\":8080},{\"name\":\"metrics\",\"protocol\":\"TCP\","
        "\"port\":9090,\"targetPort\":\"metrics\"}]}}",
        i, settings.namespace, i, i % 17, stamp, i);
}

static int slice_body(char *out, size_t size, long i, double stamp) {
    int n = snprintf(
        out, size,
        "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"svc-%06ld-abcde\","
        "\"namespace\":\"%s\",\"labels\":{\"kubernetes.io/service-name\":\"svc-%06ld\","
        "\"endpointslice.kubernetes.io/managed-by\":\"bench.example.com\"},"
        "\"annotations\":{\"example.com/changed\":\"%.0f\"}},\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"http\","
        "\"protocol\":\"TCP\",\"port\":8080},{\"name\":\"metrics\",\"protocol\":\"TCP\",\"port\":9090}],"
        "\"endpoints\":[",
        i, settings.namespace, i, stamp);
    for (int k = 0; k < 10; k++)
        n += snprintf(
            out + n, size - n,
            "%s{\"addresses\":[\"10.%ld.%ld.%d\"],\"conditions\":{\"ready\":true,\"serving\":true,"
            "\"terminating\":false},\"targetRef\":{\"kind\":\"Pod\",\"namespace\":\"%s\","
            "\"name\":\"svc-%06ld-%d\",\"uid\":\"0e8b4f5c-7d1e-4a39-9c55-%06ld%06d\"},\"nodeName\":\"node-%ld\","
            "\"zone\":\"zone-%d\"}",
            k ? "," : "", i / 250, i % 250, k + 1, settings.namespace, i, k, i, k, (i + k) % 40, k % 3);
    return n + snprintf(out + n, size - n, "]}");
}

void make_request(Request *request, long i) {
    char services[128], slices[128], *path = request->path, *body = request->body;
    const char *scenario = settings.scenario;
    const size_t path_size = sizeof request->path, body_size = sizeof request->body;
    const long known = i % settings.objects;
    int n = 0;
    request->method = "GET";
    request->type = "application/json";
    snprintf(services, sizeof services, "/api/v1/namespaces/%s/services", settings.namespace);
    snprintf(slices, sizeof slices, "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices", settings.namespace);
    if (!strcmp(scenario, "namespace")) {
        request->method = "POST";
        strcpy(path, "/api/v1/namespaces");
        n = snprintf(
            body, body_size, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}",
            settings.namespace);
    } else if (!strcmp(scenario, "create-service")) {
        request->method = "POST";
        strcpy(path, services);
        n = service_body(body, body_size, i, now());
    } else if (!strcmp(scenario, "create-slice")) {
        request->method = "POST";
        strcpy(path, slices);
        n = slice_body(body, body_size, i, now());
    } else if (!strcmp(scenario, "get")) {
        snprintf(path, path_size, "%s/svc-%06ld", services, known);
    } else if (!strcmp(scenario, "update")) {
        request->method = "PUT";
        snprintf(path, path_size, "%s/svc-%06ld", services, known);
        n = service_body(body, body_size, known, now());
    } else if (!strcmp(scenario, "update-slice")) {
        request->method = "PUT";
        snprintf(path, path_size, "%s/svc-%06ld-abcde", slices, known);
        n = slice_body(body, body_size, known, now());
    } else if (!strcmp(scenario, "patch")) {
        request->method = "PATCH";
        request->type = "application/merge-patch+json";
        snprintf(path, path_size, "%s/svc-%06ld", services, known);
        n = snprintf(
            body, body_size, "{\"metadata\":{\"annotations\":{\"example.com/changed\":\"%.0f\"}}}", now());
    } else if (!strcmp(scenario, "apply")) {
        request->method = "PATCH";
        request->type = "application/apply-patch+yaml";
        snprintf(path, path_size, "%s/svc-%06ld?fieldManager=bench&force=true", services, known);
        n = service_body(body, body_size, known, now());
    } else if (!strcmp(scenario, "delete-service")) {
        request->method = "DELETE";
        snprintf(path, path_size, "%s/svc-%06ld", services, i);
    } else if (!strcmp(scenario, "delete-slice")) {
        request->method = "DELETE";
        snprintf(path, path_size, "%s/svc-%06ld-abcde", slices, i);
    } else if (!strcmp(scenario, "list")) {
        strcpy(path, slices);
    } else if (!strcmp(scenario, "list-label")) {
        snprintf(
            path, path_size, "%s?labelSelector=kubernetes.io%%2Fservice-name%%3Dsvc-%06ld", slices, known);
    } else if (!strcmp(scenario, "watch")) {
        snprintf(
            path, path_size,
            "%s?watch=1&resourceVersion=0&timeoutSeconds=3600&sendInitialEvents=false"
            "&resourceVersionMatch=NotOlderThan",
            slices);
    } else if (!strcmp(scenario, "file")) {
        snprintf(path, path_size, "%s", settings.namespace);
    } else {
        die("no such scenario");
    }
    if (n >= (int)body_size) die("a request is too long");
    request->body_length = n;
}
