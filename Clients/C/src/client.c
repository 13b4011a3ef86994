/* What the header promises. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

enum { TIMEOUT_MS = 30000 };

int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* In a child of a fork the connection, and what is on its way, are the parent's. */
static void notice_fork(msgexport *client) {
    pid_t process = getpid();
    if (client->process == process) return;
    client->process = process;
    disconnect(client);
    while (client->first != NONE) remove_entry(client, client->first);
    client->result_count = 0;
    client->connect_at = 0;
}

/* Why there is no result in time. */
static void late(const msgexport *client, msgexport_error *error) {
    *error = client->failure;
    if (client->descriptor >= 0 || error->code == MSGEXPORT_OK)
        set_error(
            error, MSGEXPORT_DEADLINE_EXCEEDED, NULL, "it may be stored: submit it again", "no answer within %lld ms",
            (long long)client->timeout);
}

static void pass_deadlines(msgexport *client) {
    int64_t time = now();
    while (client->first != NONE && client->entries[client->first].deadline <= time) {
        int place = client->first;
        msgexport_error error;
        late(client, &error);
        settle_error(client, place, &error);
    }
}

size_t msgexport_process(msgexport *client) {
    notice_fork(client);
    if (client->descriptor < 0 && client->first != NONE && now() >= client->connect_at) connect_now(client);
    if (client->is_connecting) finish_connecting(client);
    read_what_comes(client);
    pass_deadlines(client);
    if (client->is_cut) begin_anew(client);
    write_what_goes(client);
    return client->result_count;
}

msgexport *msgexport_open(const msgexport_options *options, msgexport_error *error) {
    const char *path = options && options->socket ? options->socket : getenv("MESSAGE_EXPORT_SOCKET");
    const char *sandbox = options && options->sandbox ? options->sandbox : getenv("MESSAGE_EXPORT_SANDBOX");
    if (!path || !*path) path = "/run/message-export/msgexportd.sock";
    msgexport *client = calloc(1, sizeof *client);
    char *kept = strdup(sandbox ? sandbox : "");
    if (!client || !kept || !frame_request(&client->request, SHARED_STREAM, "IngestStream", FLAG_OPEN)) {
        set_error(error, MSGEXPORT_RESOURCE_EXHAUSTED, NULL, NULL, "no memory");
    } else if (strlen(path) >= sizeof client->address.sun_path) {
        set_error(
            error, MSGEXPORT_INVALID_ARGUMENT, "socket", NULL, "the path of a socket has %zu bytes at most",
            sizeof client->address.sun_path - 1);
    } else {
        client->address.sun_family = AF_UNIX;
        memcpy(client->address.sun_path, path, strlen(path));
        client->sandbox = kept;
        client->timeout = options && options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
        client->process = getpid();
        client->descriptor = -1;
        client->first = client->last = client->free = client->writing = client->large = NONE;
        client->streams = SHARED_STREAM;
        for (int place = MSGEXPORT_IN_FLIGHT - 1; place >= 0; place--) put_free(client, place);
        return client;
    }
    if (client) buffer_free(&client->request);
    free(client);
    free(kept);
    return NULL;
}

void msgexport_close(msgexport *client) {
    if (!client) return;
    disconnect(client);
    while (client->first != NONE) remove_entry(client, client->first);
    buffer_free(&client->request);
    buffer_free(&client->received);
    free(client->results);
    free(client->sandbox);
    free(client);
}

static msgexport_code submit(
    msgexport *client, const msgexport_message *message, uint64_t tag, int64_t deadline, msgexport_error *error) {
    notice_fork(client);
    if (client->free == NONE)
        return set_error(
            error, MSGEXPORT_RESOURCE_EXHAUSTED, NULL, "take results first", "%d messages are in flight", MSGEXPORT_IN_FLIGHT);
    if (!reserve_result(client)) return set_error(error, MSGEXPORT_RESOURCE_EXHAUSTED, NULL, NULL, "no memory");
    uint64_t number = ++client->numbers * MSGEXPORT_IN_FLIGHT + (uint64_t)client->free;
    uint32_t stream = client->streams + 2;
    buffer frames = { 0 };
    msgexport_code code = frame_message(&frames, message, client->sandbox, number, &stream, error);
    if (code == MSGEXPORT_OK && client->count && client->bytes + frames.size > MSGEXPORT_IN_FLIGHT_BYTES)
        code = set_error(
            error, MSGEXPORT_RESOURCE_EXHAUSTED, NULL, "take results first", "%zu bytes are in flight", client->bytes);
    if (code != MSGEXPORT_OK) {
        buffer_free(&frames);
        return code;
    }
    if (stream != SHARED_STREAM) client->streams = stream;
    add_entry(client, &frames, tag, number, stream, deadline);
    return MSGEXPORT_OK;
}

msgexport_code msgexport_submit(
    msgexport *client, const msgexport_message *message, uint64_t tag, msgexport_error *error) {
    return submit(client, message, tag, now() + client->timeout, error);
}

/* What is on its way in a child of a fork is its parent's. */
static bool is_parents(const msgexport *client) { return client->process != getpid(); }

int msgexport_fd(const msgexport *client) { return is_parents(client) ? -1 : client->descriptor; }

short msgexport_events(const msgexport *client) {
    bool is_writing = client->is_connecting || has_to_write(client);
    return (short)(msgexport_fd(client) < 0 ? 0 : is_writing ? POLLIN | POLLOUT : POLLIN);
}

/* Milliseconds until a deadline passes, or it is time to connect; -1: neither. */
static int time_left(const msgexport *client) {
    if (client->first == NONE) return -1;
    int64_t time = now(), until = client->entries[client->first].deadline;
    if (client->descriptor < 0 && client->connect_at < until) until = client->connect_at;
    return until <= time ? 0 : (int)(until - time);
}

int msgexport_timeout(const msgexport *client) {
    return is_parents(client) ? -1 : client->result_count ? 0 : time_left(client);
}

int msgexport_next(msgexport *client, msgexport_result *result) {
    notice_fork(client);
    if (!client->result_count) return 0;
    *result = client->results[client->result_first];
    client->result_first = (client->result_first + 1) % client->result_room;
    client->result_count--;
    return 1;
}

size_t msgexport_pending(const msgexport *client) { return is_parents(client) ? 0 : client->count; }

/* Takes those results of a batch that have come; what others submitted waits on, in its order. Returns how many there were. */
static size_t take_batch(msgexport *client, uint64_t base, size_t count, msgexport_result *results) {
    size_t taken = 0;
    msgexport_result result;
    for (size_t left = client->result_count; left > 0 && msgexport_next(client, &result); left--) {
        if (result.tag >= base && result.tag - base < count) {
            result.tag -= base;
            results[result.tag] = result;
            taken++;
        } else {
            /* There is room: it has just been taken from there. */
            client->results[(client->result_first + client->result_count++) % client->result_room] = result;
        }
    }
    return taken;
}

msgexport_code msgexport_ingest_batch(
    msgexport *client, const msgexport_message *messages, size_t count, msgexport_result *results) {
    /* Nobody else's tags, as long as theirs are below 2^63. */
    const uint64_t base = UINT64_C(1) << 63;
    const int64_t deadline = now() + client->timeout;
    size_t submitted = 0, done = 0;
    for (size_t index = 0; index < count; index++) results[index] = (msgexport_result){ .tag = index };
    while (done < count) {
        for (; submitted < count; submitted++) {
            msgexport_error *error = &results[submitted].error;
            msgexport_code code = submit(client, &messages[submitted], base + submitted, deadline, error);
            if (code == MSGEXPORT_RESOURCE_EXHAUSTED && client->count) {
                if (now() < deadline) break;
                late(client, error);
            }
            if (code != MSGEXPORT_OK) done++;
        }
        msgexport_process(client);
        size_t taken = take_batch(client, base, count, results);
        done += taken;
        if (taken || done == count || (submitted < count && !client->count)) continue;
        struct pollfd polled = { .fd = msgexport_fd(client), .events = msgexport_events(client) };
        /* A signal is something to look at too. */
        poll(&polled, 1, time_left(client));
    }
    for (size_t index = 0; index < count; index++)
        if (results[index].outcome == MSGEXPORT_NOT_TAKEN) return results[index].error.code;
    return MSGEXPORT_OK;
}

msgexport_code msgexport_ingest(msgexport *client, const msgexport_message *message, msgexport_result *result) {
    return msgexport_ingest_batch(client, message, 1, result);
}
