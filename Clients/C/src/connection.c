/* A client's socket: what is in flight goes out, answers come in. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"
#include "messageexport/v1/ingestion.pb-c.h"
#include "ttrpc.pb-c.h"

enum { PAUSE_FIRST_MS = 20, PAUSE_MOST_MS = 1000 };

void disconnect(msgexport *client) {
    if (client->descriptor >= 0) close(client->descriptor);
    client->descriptor = -1;
    for (int place = client->first; place != NONE; place = client->entries[place].next) {
        slot *entry = &client->entries[place];
        entry->was_sent = entry->was_sent || entry->is_sent;
        entry->is_sent = false;
    }
    client->is_cut = false;
    client->large = NONE;
    client->is_connecting = false;
    client->request_sent = 0;
    client->received.size = 0;
    client->writing = client->first;
    /* A frame that is cut off is sent again from its beginning: what came of it was no frame. */
    client->written = 0;
}

void lose(msgexport *client, int error) {
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

void begin_anew(msgexport *client) {
    disconnect(client);
    client->connect_at = now();
}

static void reject(msgexport *client) {
    set_error(
        &client->failure, MSGEXPORT_INTERNAL, NULL, "is it the right socket?", "what serves at %s is not the daemon",
        client->address.sun_path);
    disconnect(client);
    client->connect_at = now() + PAUSE_MOST_MS;
    settle_all(client, &client->failure);
}

void connect_now(msgexport *client) {
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

void finish_connecting(msgexport *client) {
    struct pollfd polled = { .fd = client->descriptor, .events = POLLOUT };
    if (poll(&polled, 1, 0) <= 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) lose(client, error);
    else client->is_connecting = false;
}

/* Returns the bytes sent, 0 when the socket takes none now; it may have been lost. */
static size_t send_some(msgexport *client, const uint8_t *bytes, size_t size) {
    ssize_t sent;
    do {
        sent = send(client->descriptor, bytes, size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) lose(client, errno);
    return sent > 0 ? (size_t)sent : 0;
}

void write_what_goes(msgexport *client) {
    while (client->descriptor >= 0 && !client->is_connecting && has_to_write(client)) {
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
        entry->is_sent = true;
        client->written += sent;
        if (client->written == entry->frames.size) {
            if (entry->stream != SHARED_STREAM) client->large = client->writing;
            client->writing = entry->next;
            client->written = 0;
        }
    }
}

static void take_result(msgexport *client, int place, const Messageexport__V1__IngestResult *wire) {
    msgexport_result result = { 0 };
    if (wire && wire->error && wire->error->code) {
        set_status(&result.error, wire->error);
    } else if (!wire || (int)wire->outcome < MSGEXPORT_STORED || (int)wire->outcome > MSGEXPORT_BEFORE_ENABLED) {
        set_error(
            &result.error, MSGEXPORT_UNKNOWN, NULL, "is the daemon newer?", "the daemon answers what this client does not know");
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

/* The end of the call that messages share, with an error that is no outage: of the one that it is about, if that is known. */
static void end_shared_call(msgexport *client, const msgexport_error *error) {
    if (client->alone && client->first != NONE) {
        settle_error(client, client->first, error);
    } else {
        client->alone = client->count;
    }
    begin_anew(client);
}

/* The end of a call. */
static bool take_response(msgexport *client, uint32_t stream, const uint8_t *data, size_t size) {
    Ttrpc__Response *response = ttrpc__response__unpack(NULL, size, data);
    if (!response) return false;
    msgexport_error error = { 0 };
    if (response->status && response->status->code) set_status(&error, response->status);
    if (stream == SHARED_STREAM) {
        if (error.code == MSGEXPORT_OK || error.is_temporary) lose(client, 0);
        else end_shared_call(client, &error);
    } else {
        int place = place_of_stream(client, stream);
        if (place != NONE && error.code == MSGEXPORT_OK) {
            Messageexport__V1__IngestResult *result =
                messageexport__v1__ingest_result__unpack(NULL, response->payload.len, response->payload.data);
            take_result(client, place, result);
            if (result) messageexport__v1__ingest_result__free_unpacked(result, NULL);
        } else if (place != NONE && !error.is_temporary) {
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

void read_what_comes(msgexport *client) {
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
