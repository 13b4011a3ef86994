/* What the library's files know of each other. */
#ifndef MSGEXPORT_INTERNAL_H
#define MSGEXPORT_INTERNAL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "google/rpc/status.pb-c.h"
#include "msgexport.h"

enum {
    FRAME_HEADER = 10,
    FRAME_BYTES = 4 << 20,
    /* At most, of a packed message that goes in one frame; larger ones go in chunks. */
    MESSAGE_FRAME_BYTES = FRAME_BYTES - (16 << 10),
    CHUNK_BYTES = 1 << 20,
    KIND_REQUEST = 1,
    KIND_RESPONSE = 2,
    KIND_DATA = 3,
    FLAG_CLOSED = 1,
    FLAG_OPEN = 2,
    FLAG_NO_DATA = 4,
    /* The call that all messages but large ones share. */
    SHARED_STREAM = 1,
};

/* Bytes that grow. */
typedef struct {
    uint8_t *bytes;
    size_t size;
    size_t room;
} buffer;

/* Returns whether there is memory. */
bool buffer_reserve(buffer *target, size_t more);
void buffer_free(buffer *target);

/* Sets an error. `field` and `hint` may be NULL. Returns the code. */
msgexport_code set_error(msgexport_error *error, msgexport_code code, const char *field, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The same from what the daemon says. */
void set_status(msgexport_error *error, const Google__Rpc__Status *status);

/* Appends the frames that hand a message over: one on the shared call, or a call of its own for large ones.
 * `*stream` is the id of that call where it is needed, and becomes SHARED_STREAM where it is not. */
msgexport_code frame_message(
    buffer *frames, const msgexport_message *message, const char *sandbox, uint64_t tag, uint32_t *stream, msgexport_error *error);
/* Appends the Request that begins a call. */
bool frame_request(buffer *frames, uint32_t stream, const char *method, uint8_t flags);

ProtobufCBinaryData binary(const char *text);

/* No place. */
enum { NONE = -1 };

/* A message without a result. Its frames are kept, so that they can be sent again on another connection. */
typedef struct {
    buffer frames;
    uint64_t tag;    /* the caller's */
    uint64_t number; /* ours, never given again; its last bits are the place */
    uint32_t stream; /* SHARED_STREAM, or that of a large one's own call */
    int64_t deadline;
    bool is_sent;  /* in part at least, on this connection */
    bool was_sent; /* in part at least, on one that is gone */
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
    bool is_cut;  /* what is written ends within a message that nobody waits for any more: nothing can follow it */
    int large;    /* the large one that is sent and not answered: the daemon has memory for few of them; NONE: there is none */
    size_t alone; /* so many go one at a time: one of them ended the call that all share */
    buffer received;

    msgexport_result *results;
    size_t result_first, result_count, result_room;
};

/* Milliseconds of a clock that nobody sets. */
int64_t now(void);

/* in_flight.c: messages without a result, and results that were not taken. */

/* Makes room for one more result: none is lost for want of memory. Returns whether there is memory. */
bool reserve_result(msgexport *client);
/* Adds a message at the end, with the latest deadline of all. There is a free place; `*frames` is its. */
void add_entry(msgexport *client, buffer *frames, uint64_t tag, uint64_t number, uint32_t stream, int64_t deadline);
/* Makes a place one where a message can be. */
void put_free(msgexport *client, int place);
/* Forgets a message. */
void remove_entry(msgexport *client, int place);
/* Turns a message into its result. */
void settle(msgexport *client, int place, const msgexport_result *result);
void settle_error(msgexport *client, int place, const msgexport_error *error);
/* The same for all, after what is not about any of them: those that were sent may be stored. */
void settle_all(msgexport *client, const msgexport_error *error);
/* Whether there is something that may be written now. */
bool has_to_write(const msgexport *client);
/* Where a message is; NONE: it has its result. */
int place_of_number(const msgexport *client, uint64_t number);
int place_of_stream(const msgexport *client, uint32_t stream);

/* connection.c: none of these waits. */

void connect_now(msgexport *client);
void finish_connecting(msgexport *client);
void disconnect(msgexport *client);
/* The connection is gone: what is in flight is sent again on another one, after a pause. `error` is an errno; 0: the daemon closed it. */
void lose(msgexport *client, int error);
/* Connects anew at once: this connection cannot be used any more, and nothing is wrong with the daemon. */
void begin_anew(msgexport *client);
void write_what_goes(msgexport *client);
void read_what_comes(msgexport *client);

#endif
