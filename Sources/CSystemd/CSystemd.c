#define _GNU_SOURCE
#include "CSystemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER SYSTEMD ".Manager"

// Every function of libsystemd that is used, with the type that its header gives it.
#define EACH_FUNCTION(with)                                                                                      \
    with(sd_bus_open_system) with(sd_bus_open_user) with(sd_bus_close_unref) with(sd_bus_process)                \
    with(sd_bus_get_fd) with(sd_bus_get_events) with(sd_bus_get_timeout) with(sd_bus_add_match_async)            \
    with(sd_bus_call_async) with(sd_bus_send) with(sd_bus_message_new_method_call)                               \
    with(sd_bus_message_append_basic) with(sd_bus_message_set_auto_start) with(sd_bus_message_set_expect_reply)  \
    with(sd_bus_message_unref) with(sd_bus_message_is_method_error) with(sd_bus_message_get_error)               \
    with(sd_bus_message_get_path) with(sd_bus_message_enter_container) with(sd_bus_message_exit_container)       \
    with(sd_bus_message_read_basic) with(sd_bus_message_read_array) with(sd_bus_message_peek_type)               \
    with(sd_bus_message_skip)

#define DECLARE(name) __typeof__(name) *name;
static struct { EACH_FUNCTION(DECLARE) } lib;

static void *library;
static char load_problem[256];

const char *martlet_systemd_open(void) {
    if (library != NULL) return NULL;
    void *handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *text = dlerror();
        snprintf(load_problem, sizeof load_problem, "%s", text != NULL ? text : "libsystemd.so.0 cannot be opened");
        return load_problem;
    }
#define RESOLVE(name)                                                                             \
    if ((lib.name = (__typeof__(name) *)dlsym(handle, #name)) == NULL) {                          \
        snprintf(load_problem, sizeof load_problem, "libsystemd.so.0 is too old: no " #name);     \
        dlclose(handle);                                                                          \
        return load_problem;                                                                      \
    }
    EACH_FUNCTION(RESOLVE)
    library = handle;
    return NULL;
}

// One read that is under way.
struct request {
    martlet_bus *bus;
    uint64_t number;
    struct request *next, *previous;
};

struct martlet_bus {
    sd_bus *bus;
    struct martlet_bus_handlers handlers;
    struct request *requests;
};

static void forget(struct request *request) {
    if (request->previous != NULL) request->previous->next = request->next;
    else request->bus->requests = request->next;
    if (request->next != NULL) request->next->previous = request->previous;
    free(request);
}

static int on_changed(sd_bus_message *message, void *context, sd_bus_error *error) {
    (void)error;
    martlet_bus *bus = context;
    const char *path = lib.sd_bus_message_get_path(message);
    if (path != NULL) bus->handlers.changed(bus->handlers.context, path);
    return 0;
}

static int on_loaded(sd_bus_message *message, void *context, sd_bus_error *error) {
    (void)error;
    martlet_bus *bus = context;
    const char *id = NULL, *path = NULL;
    if (lib.sd_bus_message_read_basic(message, 's', &id) > 0 && lib.sd_bus_message_read_basic(message, 'o', &path) > 0)
        bus->handlers.loaded(bus->handlers.context, path);
    return 0;
}

static int on_reloading(sd_bus_message *message, void *context, sd_bus_error *error) {
    (void)error;
    martlet_bus *bus = context;
    int is_active = 0;
    if (lib.sd_bus_message_read_basic(message, 'b', &is_active) > 0 && !is_active)
        bus->handlers.reloaded(bus->handlers.context);
    return 0;
}

static int on_owner(sd_bus_message *message, void *context, sd_bus_error *error) {
    (void)error;
    martlet_bus *bus = context;
    const char *name = NULL, *before = NULL, *now = NULL;
    if (lib.sd_bus_message_read_basic(message, 's', &name) > 0 && lib.sd_bus_message_read_basic(message, 's', &before) > 0
        && lib.sd_bus_message_read_basic(message, 's', &now) > 0)
        bus->handlers.owned(bus->handlers.context, now[0] != '\0');
    return 0;
}

int martlet_bus_open(int is_user, const struct martlet_bus_handlers *handlers, martlet_bus **out) {
    static const struct {
        const char *rule;
        sd_bus_message_handler_t handler;
    } matches[] = {
        {"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
         "member='NameOwnerChanged',arg0='" SYSTEMD "'", on_owner},
        {"type='signal',sender='" SYSTEMD "',path='" MANAGER_PATH "',interface='" MANAGER "',member='UnitNew'",
         on_loaded},
        {"type='signal',sender='" SYSTEMD "',path='" MANAGER_PATH "',interface='" MANAGER "',member='Reloading'",
         on_reloading},
        {"type='signal',sender='" SYSTEMD "',path_namespace='" MANAGER_PATH "/unit',"
         "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='" SYSTEMD ".Unit'", on_changed},
    };
    martlet_bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL) return -ENOMEM;
    bus->handlers = *handlers;
    int code = is_user ? lib.sd_bus_open_user(&bus->bus) : lib.sd_bus_open_system(&bus->bus);
    for (size_t index = 0; code >= 0 && index < sizeof matches / sizeof matches[0]; index++)
        code = lib.sd_bus_add_match_async(bus->bus, NULL, matches[index].rule, matches[index].handler, NULL, bus);
    if (code < 0) {
        martlet_bus_close(bus);
        return code;
    }
    *out = bus;
    return 0;
}

static int new_call(
    martlet_bus *bus, sd_bus_message **message, const char *path, const char *interface, const char *member) {
    int code = lib.sd_bus_message_new_method_call(bus->bus, message, SYSTEMD, path, interface, member);
    // Where systemd is not on the bus, the bus need not wait for it.
    return code < 0 ? code : lib.sd_bus_message_set_auto_start(*message, 0);
}

int martlet_bus_subscribe(martlet_bus *bus) {
    sd_bus_message *message = NULL;
    int code = new_call(bus, &message, MANAGER_PATH, MANAGER, "Subscribe");
    // One that has subscribed before is told so, which is no news.
    if (code >= 0) code = lib.sd_bus_message_set_expect_reply(message, 0);
    if (code >= 0) code = lib.sd_bus_send(bus->bus, message, NULL);
    if (message != NULL) lib.sd_bus_message_unref(message);
    return code < 0 ? code : 0;
}

static void keep_text(char *room, size_t size, const char *text) {
    snprintf(room, size, "%s", text);
}

// Reads the value of one property, whose variant has been entered.
static int read_property(sd_bus_message *message, const char *name, char type, const char *contents, struct martlet_unit *unit) {
    static const struct {
        const char *name;
        size_t offset, size;
    } texts[] = {
        {"Id", offsetof(struct martlet_unit, id), sizeof unit->id},
        {"LoadState", offsetof(struct martlet_unit, load_state), sizeof unit->load_state},
        {"ActiveState", offsetof(struct martlet_unit, active_state), sizeof unit->active_state},
        {"SubState", offsetof(struct martlet_unit, sub_state), sizeof unit->sub_state},
        {"Result", offsetof(struct martlet_unit, result), sizeof unit->result},
    };
    if (type == 's') {
        for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
            if (strcmp(texts[index].name, name) != 0) continue;
            const char *text = NULL;
            int code = lib.sd_bus_message_read_basic(message, 's', &text);
            if (code > 0) keep_text((char *)unit + texts[index].offset, texts[index].size, text);
            return code;
        }
    } else if (type == 't' && strcmp(name, "ActiveEnterTimestamp") == 0) {
        return lib.sd_bus_message_read_basic(message, 't', &unit->active_since);
    } else if (type == 'a' && strcmp(name, "InvocationID") == 0) {
        const void *bytes = NULL;
        size_t count = 0;
        int code = lib.sd_bus_message_read_array(message, 'y', &bytes, &count);
        if (code >= 0 && count == sizeof unit->invocation) memcpy(unit->invocation, bytes, count);
        return code;
    }
    return lib.sd_bus_message_skip(message, contents);
}

// Reads an answer to GetAll (a{sv}). Returns a negative errno for one that is not understood.
static int read_unit(sd_bus_message *message, struct martlet_unit *unit) {
    int code = lib.sd_bus_message_enter_container(message, 'a', "{sv}");
    if (code < 0) return code;
    while ((code = lib.sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        const char *name = NULL, *contents = NULL, *inner = NULL;
        char type = 0;
        if ((code = lib.sd_bus_message_read_basic(message, 's', &name)) < 0) return code;
        if ((code = lib.sd_bus_message_peek_type(message, NULL, &contents)) < 0) return code;
        if ((code = lib.sd_bus_message_enter_container(message, 'v', contents)) < 0) return code;
        if ((code = lib.sd_bus_message_peek_type(message, &type, &inner)) < 0) return code;
        if ((code = read_property(message, name, type, contents, unit)) < 0) return code;
        if ((code = lib.sd_bus_message_exit_container(message)) < 0) return code;
        if ((code = lib.sd_bus_message_exit_container(message)) < 0) return code;
    }
    return code;
}

static int on_answer(sd_bus_message *message, void *context, sd_bus_error *error) {
    (void)error;
    struct request *request = context;
    martlet_bus *bus = request->bus;
    uint64_t number = request->number;
    forget(request);
    struct martlet_unit unit = {0};
    const char *problem = NULL;
    if (lib.sd_bus_message_is_method_error(message, NULL)) {
        const sd_bus_error *told = lib.sd_bus_message_get_error(message);
        problem = told != NULL && told->message != NULL ? told->message
                  : told != NULL && told->name != NULL ? told->name
                                                       : "it answers with an error";
    } else if (read_unit(message, &unit) < 0) {
        problem = "its answer is not understood";
    }
    bus->handlers.answered(bus->handlers.context, number, problem == NULL ? &unit : NULL, problem);
    return 0;
}

int martlet_bus_read(martlet_bus *bus, const char *path, uint64_t number, uint64_t timeout) {
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL) return -ENOMEM;
    request->bus = bus;
    request->number = number;
    request->next = bus->requests;
    if (bus->requests != NULL) bus->requests->previous = request;
    bus->requests = request;
    sd_bus_message *message = NULL;
    int code = new_call(bus, &message, path, "org.freedesktop.DBus.Properties", "GetAll");
    // Of all interfaces: the one of the unit's kind says how it ended.
    if (code >= 0) code = lib.sd_bus_message_append_basic(message, 's', "");
    if (code >= 0) code = lib.sd_bus_call_async(bus->bus, NULL, message, on_answer, request, timeout);
    if (message != NULL) lib.sd_bus_message_unref(message);
    if (code < 0) forget(request);
    return code < 0 ? code : 0;
}

int martlet_bus_process(martlet_bus *bus) {
    int code;
    do code = lib.sd_bus_process(bus->bus, NULL);
    while (code > 0);
    return code;
}

int martlet_bus_wait_for(martlet_bus *bus, int *descriptor, short *events, int *timeout) {
    int code = lib.sd_bus_get_fd(bus->bus);
    if (code < 0) return code;
    *descriptor = code;
    if ((code = lib.sd_bus_get_events(bus->bus)) < 0) return code;
    *events = (short)code;
    uint64_t until = UINT64_MAX;
    if ((code = lib.sd_bus_get_timeout(bus->bus, &until)) < 0) return code;
    if (until == UINT64_MAX) {
        *timeout = -1;
        return 0;
    }
    // Of CLOCK_MONOTONIC, in microseconds.
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t present = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    uint64_t pause = until > present ? (until - present + 999) / 1000 : 0;
    *timeout = pause > 60000 ? 60000 : (int)pause;
    return 0;
}

void martlet_bus_close(martlet_bus *bus) {
    if (bus->bus != NULL) lib.sd_bus_close_unref(bus->bus);
    while (bus->requests != NULL) forget(bus->requests);
    free(bus);
}
