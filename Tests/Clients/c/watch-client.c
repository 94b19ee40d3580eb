/* A Kubernetes client in C on libcurl: CRUD and a streaming watch over TLS and HTTP/2.
 *
 * usage: watch-client URL CA_FILE TOKEN_FILE NAMESPACE
 *
 * Makes, reads, changes and deletes a ConfigMap while a watch runs on another stream, and checks that the watch reports
 * exactly that. Prints one line for each step; the exit status is 0 when every step went well. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct buffer {
    char *data;
    size_t length;
};

static const char *base_url, *ca_file, *name_space;
static char authorization[8192];

static void fail(const char *step, const char *detail) {
    fprintf(stderr, "FAILED %s: %s\n", step, detail ? detail : "");
    exit(1);
}

static size_t append(char *bytes, size_t size, size_t count, void *context) {
    struct buffer *buffer = context;
    size_t length = size * count;
    char *grown = realloc(buffer->data, buffer->length + length + 1);
    if (!grown) return 0;
    memcpy(grown + buffer->length, bytes, length);
    buffer->data = grown;
    buffer->length += length;
    grown[buffer->length] = 0;
    return length;
}

static void clear(struct buffer *buffer) {
    free(buffer->data);
    buffer->data = NULL;
    buffer->length = 0;
}

static struct curl_slist *headers_with(const char *content_type) {
    struct curl_slist *list = curl_slist_append(NULL, authorization);
    char line[128];
    if (content_type) {
        snprintf(line, sizeof line, "Content-Type: %s", content_type);
        list = curl_slist_append(list, line);
    }
    return curl_slist_append(list, "Accept: application/json");
}

static void prepare(CURL *curl, const char *method, const char *path, struct curl_slist *headers, struct buffer *body) {
    char url[2048];
    snprintf(url, sizeof url, "%s/api/v1/namespaces/%s/configmaps%s", base_url, name_space, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_PIPEWAIT, 1L);
}

/* Runs all transfers until `done` has ended or, when it is NULL, until `watch` contains `text`. */
static CURLcode drive(CURLM *multi, CURL *done, const struct buffer *watch, const char *text) {
    time_t deadline = time(NULL) + 20;
    for (;;) {
        int running = 0, left = 0;
        if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_SEND_ERROR;
        CURLMsg *message;
        while ((message = curl_multi_info_read(multi, &left)))
            if (message->msg == CURLMSG_DONE) {
                if (message->easy_handle == done) return message->data.result;
                fail("watch", "the stream ended by itself");
            }
        if (!done && watch->data && strstr(watch->data, text)) return CURLE_OK;
        if (time(NULL) > deadline) return CURLE_OPERATION_TIMEDOUT;
        curl_multi_poll(multi, NULL, 0, 200, NULL);
    }
}

/* One request beside the running watch; the answer must have `status` and contain `expected`. */
static char *request(CURLM *multi, const char *method, const char *path, const char *type, const char *payload,
                     long status, const char *expected) {
    static struct buffer answer;
    clear(&answer);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = headers_with(type);
    prepare(curl, method, path, headers, &answer);
    if (payload) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, payload);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(payload));
    }
    curl_multi_add_handle(multi, curl);
    CURLcode result = drive(multi, curl, NULL, NULL);
    if (result != CURLE_OK) fail(method, curl_easy_strerror(result));
    long code = 0, version = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &version);
    if (version != CURL_HTTP_VERSION_2_0) fail(method, "the answer did not come over HTTP/2");
    if (code != status || !answer.data || !strstr(answer.data, expected)) {
        fprintf(stderr, "status %ld, wanted %ld with %s\n", code, status, expected);
        fail(method, answer.data);
    }
    curl_multi_remove_handle(multi, curl);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    printf("ok %s %s\n", method, *path ? path : "/");
    return answer.data;
}

/* The value of the first `"resourceVersion":"…"` in a document. */
static void resource_version(const char *document, char *version, size_t size) {
    const char *key = strstr(document, "\"resourceVersion\":");
    const char *start = key ? strchr(key + strlen("\"resourceVersion\":"), '"') : NULL;
    const char *end = start ? strchr(start + 1, '"') : NULL;
    if (!end || (size_t)(end - start) > size) fail("list", "no resourceVersion");
    memcpy(version, start + 1, (size_t)(end - start - 1));
    version[end - start - 1] = 0;
}

static int occurrences(const char *text, const char *word) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) count++;
    return count;
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "usage: %s URL CA_FILE TOKEN_FILE NAMESPACE\n", arguments[0]);
        return 64;
    }
    base_url = arguments[1], ca_file = arguments[2], name_space = arguments[4];
    char token[4096];
    FILE *file = fopen(arguments[3], "r");
    if (!file || !fgets(token, sizeof token, file)) fail("token", arguments[3]);
    fclose(file);
    token[strcspn(token, "\r\n")] = 0;
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", token);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);

    char version[64], path[256];
    resource_version(request(multi, "GET", "", NULL, NULL, 200, "ConfigMapList"), version, sizeof version);

    struct buffer events = {0};
    CURL *watch = curl_easy_init();
    struct curl_slist *watch_headers = headers_with(NULL);
    snprintf(path, sizeof path, "?watch=1&allowWatchBookmarks=true&timeoutSeconds=60&resourceVersion=%s", version);
    prepare(watch, "GET", path, watch_headers, &events);
    curl_multi_add_handle(multi, watch);

    request(multi, "POST", "", "application/json",
            "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"from-c\"},\"data\":{\"step\":\"one\"}}", 201,
            "\"name\":\"from-c\"");
    if (drive(multi, NULL, &events, "\"ADDED\"") != CURLE_OK) fail("watch", "no ADDED event");
    printf("ok ADDED\n");

    request(multi, "GET", "/from-c", NULL, NULL, 200, "\"step\":\"one\"");
    request(multi, "POST", "", "application/json",
            "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"from-c\"}}", 409, "AlreadyExists");
    char *changed = request(multi, "PATCH", "/from-c", "application/merge-patch+json", "{\"data\":{\"step\":\"two\"}}", 200,
                            "\"step\":\"two\"");
    char current[64], replacement[512];
    resource_version(changed, current, sizeof current);
    if (drive(multi, NULL, &events, "\"step\":\"two\"") != CURLE_OK) fail("watch", "no MODIFIED event");
    printf("ok MODIFIED\n");

    snprintf(replacement, sizeof replacement,
             "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"from-c\",\"resourceVersion\":\"%s\"},"
             "\"data\":{\"step\":\"three\"}}",
             current);
    request(multi, "PUT", "/from-c", "application/json", replacement, 200, "\"step\":\"three\"");
    request(multi, "PUT", "/from-c", "application/json", replacement, 409, "Conflict");
    request(multi, "DELETE", "/from-c", NULL, NULL, 200, "");
    request(multi, "GET", "/from-c", NULL, NULL, 404, "NotFound");
    if (drive(multi, NULL, &events, "\"DELETED\"") != CURLE_OK) fail("watch", "no DELETED event");
    printf("ok DELETED\n");

    if (occurrences(events.data, "\"type\":\"ADDED\"") != 1 || occurrences(events.data, "\"type\":\"MODIFIED\"") != 2 ||
        occurrences(events.data, "\"type\":\"DELETED\"") != 1)
        fail("watch events", events.data);
    long http = 0;
    curl_easy_getinfo(watch, CURLINFO_HTTP_VERSION, &http);
    if (http != CURL_HTTP_VERSION_2_0) fail("watch", "the stream did not come over HTTP/2");
    printf("ok watch over HTTP/2\n");

    curl_multi_remove_handle(multi, watch);
    curl_easy_cleanup(watch);
    curl_slist_free_all(watch_headers);
    clear(&events);
    curl_multi_cleanup(multi);
    curl_global_cleanup();
    return 0;
}
