/*
 * Hands sent email and SMS to the message export daemon of this machine.
 *
 * What is told to be stored is on disk, encrypted. Every message has an id: the same message again under its id is a duplicate, so whoever
 * is not sure hands it over again. No function writes to standard output or error, raises a signal, or changes the process's signal
 * handlers. There are no globals: handles are independent of each other, and one is used by one thread at a time.
 * After a fork the child may use its copy of a handle: it connects anew, and what was on its way is the parent's.
 *
 * Texts are UTF-8 and end with a zero byte. What is passed in is copied before a function returns, and may be freed then.
 */
#ifndef MSGEXPORT_H
#define MSGEXPORT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MSGEXPORT_API __attribute__((visibility("default")))
#else
#define MSGEXPORT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A connection to the daemon: made when it is needed, and again when it was lost. */
typedef struct msgexport msgexport;

/* The canonical codes of gRPC. */
typedef enum {
    MSGEXPORT_OK = 0,
    MSGEXPORT_CANCELLED = 1,
    MSGEXPORT_UNKNOWN = 2,
    MSGEXPORT_INVALID_ARGUMENT = 3,
    MSGEXPORT_DEADLINE_EXCEEDED = 4,
    MSGEXPORT_NOT_FOUND = 5,
    MSGEXPORT_ALREADY_EXISTS = 6,
    MSGEXPORT_PERMISSION_DENIED = 7,
    MSGEXPORT_RESOURCE_EXHAUSTED = 8,
    MSGEXPORT_FAILED_PRECONDITION = 9,
    MSGEXPORT_INTERNAL = 13,
    MSGEXPORT_UNAVAILABLE = 14
} msgexport_code;

/* What became of a message that was taken. */
typedef enum {
    MSGEXPORT_NOT_TAKEN = 0,       /* see its error */
    MSGEXPORT_STORED = 1,          /* on disk, encrypted */
    MSGEXPORT_DUPLICATE = 2,       /* the same message is on disk already */
    MSGEXPORT_EXPORT_DISABLED = 3, /* the configuration's flag is off: nothing was kept */
    MSGEXPORT_BEFORE_ENABLED = 4   /* sent before the flag last came on: nothing was kept */
} msgexport_outcome;

/* Why something did not go well, in texts that are cut off where they are too long. Never holds content of a message. */
typedef struct {
    msgexport_code code;
    int is_temporary; /* 1: the same again may go well without anybody's help */
    char message[256];
    char field[96]; /* path of the field at fault, such as "email.html"; empty: no one field */
    char hint[160]; /* what to do; empty: the message says it */
} msgexport_error;

/* What became of one message. */
typedef struct {
    uint64_t tag; /* as it was submitted with */
    msgexport_outcome outcome;
    int64_t ingested_at_ms; /* since 1970-01-01T00:00:00Z; 0: nothing was kept */
    int64_t expires_at_ms;
    msgexport_error error; /* where the outcome is MSGEXPORT_NOT_TAKEN */
    /* 1: it was not taken as far as is known, and may be stored all the same, as when the daemon goes away before it answers: submit it again
     * under its id, and nothing is stored twice. 0: it is as the outcome says. */
    int may_be_stored;
} msgexport_result;

typedef struct {
    const char *email; /* such as "ada@example.com" */
    const char *name;  /* NULL: none */
} msgexport_address;

typedef struct {
    const char *name;
    const char *value;
} msgexport_field;

typedef struct {
    const char *name; /* file name; NULL: none */
    const char *type; /* media type, such as "image/png" */
    const void *content;
    size_t size;
} msgexport_attachment;

/* A mail by its parts. What is zero is not given. */
typedef struct {
    msgexport_address from;
    const msgexport_address *to;
    size_t to_count;
    const msgexport_address *cc;
    size_t cc_count;
    const msgexport_address *bcc;
    size_t bcc_count;
    const msgexport_address *reply_to;
    size_t reply_to_count;
    const char *error_address; /* where bounces go */
    const char *subject;
    const char *text; /* plain text body */
    const char *html;
    const msgexport_field *headers; /* all header fields in order, values decoded */
    size_t header_count;
    const msgexport_attachment *attachments;
    size_t attachment_count;
    const void *raw; /* the mail as sent (RFC 5322) */
    size_t raw_size;
} msgexport_email;

typedef struct {
    const char *const *senders; /* numbers it was sent from; at least one */
    size_t sender_count;
    const char *recipient; /* E.164 */
    const char *text;
    const char *title; /* of an MMS; NULL: none */
    const char *media; /* where the media of an MMS is; NULL: none */
} msgexport_sms;

/* A message as it was sent. What is zero is not given; set `email` or `sms`. */
typedef struct {
    const char *id;            /* 1 to 256 bytes */
    const char *configuration; /* name of the channel configuration it was sent with */
    int64_t sent_at_ms;        /* since 1970-01-01T00:00:00Z; 0: now, as the daemon has it */
    const msgexport_email *email;
    const msgexport_sms *sms;
    int delivery_state;               /* of the wire: 1 sent, 2 delayed, 3 bounced, 4 out of band; 0: not said */
    const msgexport_field *execution; /* texts of the wire's Execution by their names, such as "campaign_id" */
    size_t execution_count;
    const msgexport_field *profile; /* texts of the wire's Profile, such as "message_profile_id" */
    size_t profile_count;
    const msgexport_field *identities; /* whom it concerns: namespace as the name, id as the value */
    size_t identity_count;
} msgexport_message;

typedef struct {
    const char *socket;  /* NULL: MESSAGE_EXPORT_SOCKET, else /run/message-export/msgexportd.sock */
    const char *sandbox; /* NULL: MESSAGE_EXPORT_SANDBOX, else prod or, on a sandbox's own socket, that one */
    int timeout_ms;      /* how long a message waits for its result, all tries together; 0: 30,000 */
} msgexport_options;

enum {
    MSGEXPORT_IN_FLIGHT = 1024,                   /* messages without a result, at most */
    MSGEXPORT_MESSAGE_BYTES = 64 * 1024 * 1024,   /* of one message, packed */
    MSGEXPORT_IN_FLIGHT_BYTES = 128 * 1024 * 1024 /* of all of them */
};

/* Makes a client; it connects with its first message. `options` may be NULL.
 * Returns NULL, and says why in `error` (which may be NULL), when there is no memory or the socket's path is too long. */
MSGEXPORT_API msgexport *msgexport_open(const msgexport_options *options, msgexport_error *error);

/* Closes it. Messages without a result may be stored, or not. NULL is allowed. */
MSGEXPORT_API void msgexport_close(msgexport *client);

/* Hands over one message and waits for its result, at most `timeout_ms`; while the daemon is away it is tried again.
 * Returns MSGEXPORT_OK when it was taken (see the outcome), or the code of `result->error`. */
MSGEXPORT_API msgexport_code msgexport_ingest(msgexport *client, const msgexport_message *message, msgexport_result *result);

/* The same for many, which share the disk's syncs and the time. The results are in the order of the messages; each has its own outcome or error.
 * Returns MSGEXPORT_OK when all were taken, or the code of the first that was not. */
MSGEXPORT_API msgexport_code msgexport_ingest_batch(
    msgexport *client, const msgexport_message *messages, size_t count, msgexport_result *results);

/*
 * For event loops. Submit messages, wait for `msgexport_fd` to have `msgexport_events`, at most `msgexport_timeout`, call `msgexport_process`,
 * and take the results. None of these waits.
 */

/* Queues a message; its result comes with `tag`, which is below 2^63.
 * Returns MSGEXPORT_OK, MSGEXPORT_INVALID_ARGUMENT, or MSGEXPORT_RESOURCE_EXHAUSTED when as much is in flight as may be (take results first);
 * `error` (which may be NULL) says more. */
MSGEXPORT_API msgexport_code msgexport_submit(msgexport *client, const msgexport_message *message, uint64_t tag, msgexport_error *error);

/* The descriptor to wait for; -1: there is none now. It changes when the connection does: ask before each wait. */
MSGEXPORT_API int msgexport_fd(const msgexport *client);

/* What to wait for on it, as poll has it: POLLIN, and POLLOUT when there is something to write. */
MSGEXPORT_API short msgexport_events(const msgexport *client);

/* Milliseconds after which to call `msgexport_process` in any case; -1: never. */
MSGEXPORT_API int msgexport_timeout(const msgexport *client);

/* Connects, writes and reads what can be without waiting. Returns how many results wait to be taken. */
MSGEXPORT_API size_t msgexport_process(msgexport *client);

/* Takes a result, in the order in which they came. Returns 1, or 0 when there is none. */
MSGEXPORT_API int msgexport_next(msgexport *client, msgexport_result *result);

/* Messages without a result. */
MSGEXPORT_API size_t msgexport_pending(const msgexport *client);

/* Name of a code, such as "NOT_FOUND". */
MSGEXPORT_API const char *msgexport_code_name(msgexport_code code);

#ifdef __cplusplus
}
#endif

#endif
