/* A client: what is in flight, its connection, and the results. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "messageexport/v1/ingestion.pb-c.h"
#include "ttrpc.pb-c.h"

enum { TIMEOUT_MS = 30000, PAUSE_FIRST_MS = 20, PAUSE_MOST_MS = 1000, NONE = -1 };

/* A message without a result. Its frames are kept, so that they can be sent again on another connection. */
typedef struct {
    buffer frames;
    uint64_t tag;    /* the caller's */
    uint64_t number; /* ours, never given again; its last bits are the place */
    uint32_t stream;
    int64_t deadline;
    int next; /* in the order of submission; or, of a free place, the next free one */
    int previous;
} slot;

struct msgexport {
    struct sockaddr_un address;
    char *sandbox;
    int64_t timeout;
    pid_t process;

    int descriptor;
    bool is_connecting;
    int64_t connect_at; /* not before; grows with each attempt that fails */
    int pause;
    msgexport_error failure; /* why there is no connection */

    slot entries[MSGEXPORT_IN_FLIGHT];
    int first, last, free;
    size_t count;
    size_t bytes;
    uint64_t numbers;
    uint32_t streams;

    buffer request; /* begins the shared call */
    size_t request_sent;
    int writing; /* the entry whose frames are written, and how much of it is */
    size_t written;
    buffer received;

    msgexport_result *results;
    size_t result_first, result_count, result_room;
};

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Entries. */

static void put_free(msgexport *client, int place) {
    client->entries[place].next = client->free;
    client->free = place;
}

static void remove_entry(msgexport *client, int place) {
    slot *entry = &client->entries[place];
    if (client->writing == place) {
        client->writing = entry->next;
        client->written = 0;
    }
    *(entry->previous == NONE ? &client->first : &client->entries[entry->previous].next) = entry->next;
    *(entry->next == NONE ? &client->last : &client->entries[entry->next].previous) = entry->previous;
    client->count--;
    client->bytes -= entry->frames.size;
    buffer_free(&entry->frames);
    entry->number = 0;
    put_free(client, place);
}

/* Room for a result is made when its message is submitted: a result is never lost for want of memory. */
static bool reserve_result(msgexport *client) {
    if (client->result_count + client->count < client->result_room) return true;
    size_t room = client->result_room ? client->result_room * 2 : 64;
    msgexport_result *made = calloc(room, sizeof *made);
    if (!made) return false;
    for (size_t index = 0; index < client->result_count; index++)
        made[index] = client->results[(client->result_first + index) % client->result_room];
    free(client->results);
    client->results = made;
    client->result_first = 0;
    client->result_room = room;
    return true;
}

static void settle(msgexport *client, int place, const msgexport_result *result) {
    msgexport_result *kept =
        &client->results[(client->result_first + client->result_count++) % client->result_room];
    *kept = *result;
    kept->tag = client->entries[place].tag;
    remove_entry(client, place);
}

static void settle_error(msgexport *client, int place, const msgexport_error *error) {
    msgexport_result result = { .error = *error };
    settle(client, place, &result);
}

static void settle_all(msgexport *client, const msgexport_error *error) {
    while (client->first != NONE) settle_error(client, client->first, error);
}

/* The connection. */

static void disconnect(msgexport *client) {
    if (client->descriptor >= 0) close(client->descriptor);
    client->descriptor = -1;
    client->is_connecting = false;
    client->request_sent = 0;
    client->received.size = 0;
    client->writing = client->first;
    /* A frame that is cut off is sent again from its beginning: what came of it was no frame. */
    client->written = 0;
}

/* What is in flight is sent again on another connection, after a pause. */
static void lose(msgexport *client, int error) {
    int64_t pause = client->pause ? client->pause : PAUSE_FIRST_MS;
    const char *path = client->address.sun_path;
    if (error == EACCES || error == EPERM)
        set_error(
            &client->failure, MSGEXPORT_PERMISSION_DENIED, NULL, "the socket's owner and mode say who may",
            "this user may not connect to %s", path);
    else
        set_error(
            &client->failure, MSGEXPORT_UNAVAILABLE, NULL, "is msgexportd running? MESSAGE_EXPORT_SOCKET names its socket",
            "no daemon answers at %s: %s", path, error ? strerror(error) : "it closed the connection");
    disconnect(client);
    client->connect_at = now() + pause;
    client->pause = pause * 2 < PAUSE_MOST_MS ? (int)pause * 2 : PAUSE_MOST_MS;
    /* Nobody lets this user in by being asked again. */
    if (client->failure.code == MSGEXPORT_PERMISSION_DENIED) settle_all(client, &client->failure);
}

static void reject(msgexport *client) {
    set_error(
        &client->failure, MSGEXPORT_INTERNAL, NULL, "is it the right socket?", "what serves at %s is not the daemon",
        client->address.sun_path);
    disconnect(client);
    client->connect_at = now() + PAUSE_MOST_MS;
    settle_all(client, &client->failure);
}

static void connect_now(msgexport *client) {
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0) {
        lose(client, errno);
        return;
    }
    client->descriptor = made;
    client->writing = client->first;
    if (connect(made, (struct sockaddr *)&client->address, sizeof client->address) == 0) return;
    if (errno == EINPROGRESS || errno == EINTR) client->is_connecting = true;
    else lose(client, errno); /* also where the daemon's queue is full */
}

static void finish_connecting(msgexport *client) {
    struct pollfd polled = { .fd = client->descriptor, .events = POLLOUT };
    if (poll(&polled, 1, 0) <= 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) lose(client, error);
    else client->is_connecting = false;
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

/* Writing. Returns the bytes sent, 0 when the socket takes none now; it may have been lost. */
static size_t send_some(msgexport *client, const uint8_t *bytes, size_t size) {
    ssize_t sent;
    do {
        sent = send(client->descriptor, bytes, size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) lose(client, errno);
    return sent > 0 ? (size_t)sent : 0;
}

static void write_what_goes(msgexport *client) {
    while (client->descriptor >= 0 && !client->is_connecting && client->writing != NONE) {
        if (client->request_sent < client->request.size) {
            size_t sent = send_some(
                client, client->request.bytes + client->request_sent, client->request.size - client->request_sent);
            if (sent == 0) return;
            client->request_sent += sent;
            continue;
        }
        slot *entry = &client->entries[client->writing];
        size_t sent = send_some(client, entry->frames.bytes + client->written, entry->frames.size - client->written);
        if (sent == 0) return;
        client->written += sent;
        if (client->written == entry->frames.size) {
            client->writing = entry->next;
            client->written = 0;
        }
    }
}

/* Reading. */

static int place_of_number(const msgexport *client, uint64_t number) {
    int place = (int)(number % MSGEXPORT_IN_FLIGHT);
    return number && client->entries[place].number == number ? place : NONE;
}

static int place_of_stream(const msgexport *client, uint32_t stream) {
    for (int place = client->first; place != NONE; place = client->entries[place].next)
        if (client->entries[place].stream == stream) return place;
    return NONE;
}

static void take_result(msgexport *client, int place, const Messageexport__V1__IngestResult *wire) {
    msgexport_result result = { 0 };
    if (!wire || wire->error) {
        if (wire) set_status(&result.error, wire->error);
        else set_error(&result.error, MSGEXPORT_INTERNAL, NULL, NULL, "the daemon answered without a result");
    } else {
        result.outcome = (msgexport_outcome)wire->outcome;
        result.ingested_at_ms = wire->ingested_at_ms;
        result.expires_at_ms = wire->expires_at_ms;
    }
    client->pause = 0;
    settle(client, place, &result);
}

/* Returns whether it was what it should be. */
static bool take_stream_answer(msgexport *client, const uint8_t *data, size_t size) {
    Messageexport__V1__IngestStreamResponse *response = messageexport__v1__ingest_stream_response__unpack(NULL, size, data);
    if (!response) return false;
    for (size_t index = 0; index < response->n_results; index++) {
        int place = place_of_number(client, response->results[index]->tag);
        /* What has had its deadline has its result. */
        if (place != NONE) take_result(client, place, response->results[index]->result);
    }
    messageexport__v1__ingest_stream_response__free_unpacked(response, NULL);
    return true;
}

static bool is_temporary(const msgexport_error *error) { return error->code == MSGEXPORT_UNAVAILABLE; }

/* The end of a call. Of the shared one it concerns all that is in flight. */
static bool take_response(msgexport *client, uint32_t stream, const uint8_t *data, size_t size) {
    Ttrpc__Response *response = ttrpc__response__unpack(NULL, size, data);
    if (!response) return false;
    msgexport_error error = { 0 };
    if (response->status && response->status->code) set_status(&error, response->status);
    if (stream == SHARED_STREAM) {
        if (error.code == MSGEXPORT_OK || is_temporary(&error)) {
            lose(client, 0);
        } else {
            disconnect(client);
            settle_all(client, &error);
        }
    } else {
        int place = place_of_stream(client, stream);
        if (place != NONE && error.code == MSGEXPORT_OK) {
            Messageexport__V1__IngestResult *result =
                messageexport__v1__ingest_result__unpack(NULL, response->payload.len, response->payload.data);
            take_result(client, place, result);
            if (result) messageexport__v1__ingest_result__free_unpacked(result, NULL);
        } else if (place != NONE && !is_temporary(&error)) {
            settle_error(client, place, &error);
        } else if (place != NONE) {
            lose(client, 0);
        }
    }
    ttrpc__response__free_unpacked(response, NULL);
    return true;
}

static uint32_t number_at(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Takes whole frames from what was received. Returns whether they were frames of the daemon's. */
static bool take_frames(msgexport *client) {
    size_t at = 0;
    bool is_good = true;
    while (is_good && client->received.size - at >= FRAME_HEADER) {
        const uint8_t *header = client->received.bytes + at;
        uint32_t size = number_at(header), stream = number_at(header + 4);
        uint8_t kind = header[8];
        if (size > FRAME_BYTES || (kind != KIND_RESPONSE && kind != KIND_DATA)) return false;
        if (client->received.size - at < FRAME_HEADER + (size_t)size) break;
        const uint8_t *data = header + FRAME_HEADER;
        at += FRAME_HEADER + size;
        if (kind == KIND_RESPONSE) is_good = take_response(client, stream, data, size);
        else if (stream == SHARED_STREAM) is_good = take_stream_answer(client, data, size);
        /* The connection may be gone now, and what was received with it. */
        if (client->descriptor < 0) return is_good;
    }
    if (at) memmove(client->received.bytes, client->received.bytes + at, client->received.size - at);
    client->received.size -= at;
    return is_good;
}

static void read_what_comes(msgexport *client) {
    while (client->descriptor >= 0 && !client->is_connecting) {
        if (!buffer_reserve(&client->received, 1 << 16)) return;
        ssize_t count = recv(client->descriptor, client->received.bytes + client->received.size, 1 << 16, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (count <= 0) {
            lose(client, count < 0 ? errno : 0);
        } else {
            client->received.size += (size_t)count;
            if (!take_frames(client)) reject(client);
        }
    }
}

static void pass_deadlines(msgexport *client) {
    int64_t time = now();
    while (client->first != NONE && client->entries[client->first].deadline <= time) {
        int place = client->first;
        msgexport_error error = client->failure;
        if (client->descriptor >= 0 || error.code == MSGEXPORT_OK)
            set_error(
                &error, MSGEXPORT_DEADLINE_EXCEEDED, NULL, "it may be stored: submit it again", "no answer within %lld ms",
                (long long)client->timeout);
        bool is_cut = client->writing == place && client->written > 0;
        settle_error(client, place, &error);
        /* Half of a frame is written: nothing can follow it. */
        if (is_cut) lose(client, 0);
    }
}

/* What the header promises. */

size_t msgexport_process(msgexport *client) {
    notice_fork(client);
    if (client->descriptor < 0 && client->first != NONE && now() >= client->connect_at) connect_now(client);
    if (client->is_connecting) finish_connecting(client);
    read_what_comes(client);
    write_what_goes(client);
    pass_deadlines(client);
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
        client->first = client->last = client->free = client->writing = NONE;
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

msgexport_code msgexport_submit(
    msgexport *client, const msgexport_message *message, uint64_t tag, msgexport_error *error) {
    notice_fork(client);
    if (client->free == NONE)
        return set_error(
            error, MSGEXPORT_RESOURCE_EXHAUSTED, NULL, "take results first", "%d messages are in flight", MSGEXPORT_IN_FLIGHT);
    if (!reserve_result(client)) return set_error(error, MSGEXPORT_RESOURCE_EXHAUSTED, NULL, NULL, "no memory");
    int place = client->free;
    slot *entry = &client->entries[place];
    uint64_t number = ++client->numbers * MSGEXPORT_IN_FLIGHT + (uint64_t)place;
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
    client->free = entry->next;
    entry->frames = frames;
    entry->tag = tag;
    entry->number = number;
    entry->stream = stream;
    entry->deadline = now() + client->timeout;
    entry->next = NONE;
    entry->previous = client->last;
    *(client->last == NONE ? &client->first : &client->entries[client->last].next) = place;
    client->last = place;
    client->count++;
    client->bytes += frames.size;
    if (client->writing == NONE) client->writing = place;
    return MSGEXPORT_OK;
}

int msgexport_fd(const msgexport *client) { return client->descriptor; }

short msgexport_events(const msgexport *client) {
    bool is_writing = client->is_connecting || client->writing != NONE;
    return (short)(client->descriptor < 0 ? 0 : is_writing ? POLLIN | POLLOUT : POLLIN);
}

/* Milliseconds until a deadline passes, or it is time to connect; -1: neither. */
static int time_left(const msgexport *client) {
    if (client->first == NONE) return -1;
    int64_t time = now(), until = client->entries[client->first].deadline;
    if (client->descriptor < 0 && client->connect_at < until) until = client->connect_at;
    return until <= time ? 0 : (int)(until - time);
}

int msgexport_timeout(const msgexport *client) { return client->result_count ? 0 : time_left(client); }

int msgexport_next(msgexport *client, msgexport_result *result) {
    if (!client->result_count) return 0;
    *result = client->results[client->result_first];
    client->result_first = (client->result_first + 1) % client->result_room;
    client->result_count--;
    return 1;
}

size_t msgexport_pending(const msgexport *client) { return client->count; }

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
    size_t submitted = 0, done = 0;
    for (size_t index = 0; index < count; index++) results[index] = (msgexport_result){ .tag = index };
    while (done < count) {
        for (; submitted < count; submitted++) {
            msgexport_code code =
                msgexport_submit(client, &messages[submitted], base + submitted, &results[submitted].error);
            if (code == MSGEXPORT_RESOURCE_EXHAUSTED && client->count) break;
            if (code != MSGEXPORT_OK) done++;
        }
        msgexport_process(client);
        size_t taken = take_batch(client, base, count, results);
        done += taken;
        if (taken || done == count) continue;
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

const char *msgexport_code_name(msgexport_code code) {
    static const char *const names[] = {
        "OK",           "CANCELLED",         "UNKNOWN",       "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",   "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
        "UNIMPLEMENTED", "INTERNAL",         "UNAVAILABLE",   "DATA_LOSS",          "UNAUTHENTICATED",
    };
    return (unsigned)code < sizeof names / sizeof *names ? names[code] : "UNKNOWN";
}
