/*
 * Plays scenes against a daemon with the configurations `mail`, `sms` and `off`, and prints a line for each that went as it should:
 * scenes SOCKET FOLDER. FOLDER is for sockets of its own. Or hands over SMS while the daemon comes and goes, and prints how many
 * are stored: scenes SOCKET bulk COUNT poll|batch.
 */
#include <assert.h>
#include <errno.h>
#include <msgexport.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#undef NDEBUG
#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
            exit(1);                                                                         \
        }                                                                                    \
    } while (0)

static const char *socket_path, *folder;

static msgexport *open_at(const char *path, int timeout_ms) {
    msgexport_options options = { .socket = path, .timeout_ms = timeout_ms };
    msgexport *client = msgexport_open(&options, NULL);
    CHECK(client);
    return client;
}

/* An SMS; its texts live as long as `texts`. */
typedef struct {
    char id[64], text[64];
    const char *senders[1];
    msgexport_sms sms;
    msgexport_message message;
} sms_message;

static const msgexport_message *sms(sms_message *made, const char *prefix, size_t number) {
    snprintf(made->id, sizeof made->id, "%s-%zu", prefix, number);
    snprintf(made->text, sizeof made->text, "text %zu", number);
    made->senders[0] = "24365";
    made->sms = (msgexport_sms){ .senders = made->senders, .sender_count = 1, .recipient = "+12025550123", .text = made->text };
    made->message = (msgexport_message){ .id = made->id, .configuration = "sms", .sms = &made->sms };
    return &made->message;
}

static void one_message_and_again(void) {
    msgexport *client = open_at(socket_path, 0);
    sms_message made;
    msgexport_result result;
    CHECK(msgexport_ingest(client, sms(&made, "c", 1), &result) == MSGEXPORT_OK && result.outcome == MSGEXPORT_STORED);
    CHECK(result.ingested_at_ms > 0 && result.expires_at_ms - result.ingested_at_ms >= 3 * 86400000LL);
    CHECK(msgexport_ingest(client, sms(&made, "c", 1), &result) == MSGEXPORT_OK && result.outcome == MSGEXPORT_DUPLICATE);
    msgexport_email email = { .text = "x" };
    msgexport_message off = { .id = "off", .configuration = "off", .email = &email };
    CHECK(msgexport_ingest(client, &off, &result) == MSGEXPORT_OK && result.outcome == MSGEXPORT_EXPORT_DISABLED);
    msgexport_close(client);
}

static void a_mail_with_everything(void) {
    msgexport *client = open_at(socket_path, 0);
    msgexport_address to[] = { { "b@example.com", "Bé" }, { "c@example.com", NULL } };
    msgexport_field headers[] = { { "From", "a@example.com" }, { "X-Note", "Grüße" } };
    msgexport_attachment attachments[] = { { "a.bin", "application/octet-stream", "\0\1\2", 3 } };
    msgexport_field execution[] = { { "campaign_id", "spring" }, { "message_type", "marketing" } };
    msgexport_field profile[] = { { "message_profile_id", "p1" } };
    msgexport_field identities[] = { { "email", "b@example.com" } };
    msgexport_email email = {
        .from = { "a@example.com", "Ada" }, .to = to, .to_count = 2, .subject = "Grüße", .text = "", .html = "<p>x</p>",
        .headers = headers, .header_count = 2, .attachments = attachments, .attachment_count = 1,
        .raw = "From: a@example.com\r\n\r\n", .raw_size = 23,
    };
    msgexport_message message = {
        .id = "c-mail", .configuration = "mail", .email = &email, .sent_at_ms = 0, .delivery_state = 1, .execution = execution,
        .execution_count = 2, .profile = profile, .profile_count = 1, .identities = identities, .identity_count = 1,
    };
    msgexport_result result;
    CHECK(msgexport_ingest(client, &message, &result) == MSGEXPORT_OK && result.outcome == MSGEXPORT_STORED);
    execution[0].name = "campain_id";
    CHECK(msgexport_ingest(client, &message, &result) == MSGEXPORT_INVALID_ARGUMENT);
    CHECK(strcmp(result.error.field, "campain_id") == 0 && result.outcome == MSGEXPORT_NOT_TAKEN);
    msgexport_close(client);
}

static void errors_say_what_and_where(void) {
    msgexport *client = open_at(socket_path, 0);
    sms_message made[3];
    msgexport_message batch[3];
    msgexport_result results[3];
    for (size_t index = 0; index < 3; index++) batch[index] = *sms(&made[index], "c-batch", index);
    batch[1].configuration = "nope";
    made[2].sms.recipient = "";
    CHECK(msgexport_ingest_batch(client, batch, 3, results) == MSGEXPORT_NOT_FOUND);
    CHECK(results[0].outcome == MSGEXPORT_STORED && results[0].tag == 0);
    CHECK(results[1].error.code == MSGEXPORT_NOT_FOUND && strstr(results[1].error.field, "configuration"));
    CHECK(results[2].error.code == MSGEXPORT_INVALID_ARGUMENT && results[2].error.field[0]);
    msgexport_message neither = { .id = "x", .configuration = "sms" };
    CHECK(msgexport_ingest(client, &neither, results) == MSGEXPORT_INVALID_ARGUMENT);
    batch[0].id = "\xff";
    CHECK(msgexport_ingest(client, batch, results) == MSGEXPORT_INVALID_ARGUMENT);
    CHECK(strcmp(msgexport_code_name(MSGEXPORT_NOT_FOUND), "NOT_FOUND") == 0);
    CHECK(strcmp(msgexport_code_name((msgexport_code)99), "UNKNOWN") == 0);
    char path[200];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = 0;
    msgexport_error error;
    CHECK(!msgexport_open(&(msgexport_options){ .socket = path }, &error) && error.code == MSGEXPORT_INVALID_ARGUMENT);
    msgexport_close(client);
    msgexport_close(NULL);
}

static void large_messages_go_in_chunks(void) {
    msgexport *client = open_at(socket_path, 0);
    size_t size = 9u << 20;
    char *text = malloc((65u << 20) + 1);
    CHECK(text);
    memset(text, 'x', 65u << 20);
    text[size] = 0;
    msgexport_email email = { .text = text };
    msgexport_message message = { .id = "c-large", .configuration = "mail", .email = &email };
    sms_message made;
    msgexport_result result;
    CHECK(msgexport_submit(client, &message, 7, NULL) == MSGEXPORT_OK);
    /* What others submitted waits for them. */
    CHECK(msgexport_ingest(client, sms(&made, "c", 1), &result) == MSGEXPORT_OK && result.outcome == MSGEXPORT_DUPLICATE);
    CHECK(msgexport_ingest(client, &message, &result) == MSGEXPORT_OK && result.outcome == MSGEXPORT_DUPLICATE);
    while (!msgexport_next(client, &result)) {
        struct pollfd polled = { .fd = msgexport_fd(client), .events = msgexport_events(client) };
        poll(&polled, 1, msgexport_timeout(client));
        msgexport_process(client);
    }
    CHECK(result.tag == 7 && result.outcome == MSGEXPORT_STORED && msgexport_pending(client) == 0);
    text[size] = 'x';
    text[65u << 20] = 0;
    CHECK(msgexport_ingest(client, &message, &result) == MSGEXPORT_INVALID_ARGUMENT && strstr(result.error.message, "67108864"));
    free(text);
    msgexport_close(client);
}

static void as_much_is_in_flight_as_may_be(void) {
    msgexport *client = open_at(socket_path, 0);
    sms_message made;
    size_t submitted = 0;
    msgexport_error error;
    while (msgexport_submit(client, sms(&made, "c-flight", submitted), submitted, &error) == MSGEXPORT_OK) submitted++;
    CHECK(submitted == MSGEXPORT_IN_FLIGHT && error.code == MSGEXPORT_RESOURCE_EXHAUSTED && error.hint[0]);
    bool *seen = calloc(submitted, sizeof *seen);
    for (size_t taken = 0; taken < submitted;) {
        struct pollfd polled = { .fd = msgexport_fd(client), .events = msgexport_events(client) };
        poll(&polled, 1, msgexport_timeout(client));
        msgexport_process(client);
        for (msgexport_result result; msgexport_next(client, &result); taken++) {
            CHECK(result.outcome == MSGEXPORT_STORED && result.tag < submitted && !seen[result.tag]);
            seen[result.tag] = true;
        }
    }
    CHECK(msgexport_timeout(client) == -1);
    free(seen);
    msgexport_close(client);
}

static void several_large_ones_at_a_time(void) {
    msgexport *client = open_at(socket_path, 120000);
    size_t size = 40u << 20;
    char *text = malloc(size + 1);
    CHECK(text);
    memset(text, 'y', size);
    text[size] = 0;
    msgexport_email email = { .text = text };
    msgexport_message messages[3] = {
        { .id = "c-large-1", .configuration = "mail", .email = &email }, { .id = "c-large-2", .configuration = "mail", .email = &email },
    };
    sms_message made;
    messages[2] = *sms(&made, "c-beside", 1);
    msgexport_result results[3];
    CHECK(msgexport_ingest_batch(client, messages, 3, results) == MSGEXPORT_OK);
    for (size_t index = 0; index < 3; index++) CHECK(results[index].outcome == MSGEXPORT_STORED);
    free(text);
    msgexport_close(client);
}

static void one_that_is_refused_half_sent_spoils_no_other(void) {
    msgexport_options options = { .socket = socket_path, .sandbox = "nowhere", .timeout_ms = 10000 };
    msgexport *client = msgexport_open(&options, NULL);
    size_t size = 20u << 20;
    char *text = malloc(size + 1);
    CHECK(client && text);
    memset(text, 'z', size);
    text[size] = 0;
    msgexport_email email = { .text = text };
    msgexport_message messages[3] = { { .id = "c-refused", .configuration = "mail", .email = &email } };
    sms_message made[2];
    for (size_t index = 0; index < 2; index++) messages[1 + index] = *sms(&made[index], "c-after", index);
    msgexport_result results[3];
    CHECK(msgexport_ingest_batch(client, messages, 3, results) == MSGEXPORT_PERMISSION_DENIED);
    for (size_t index = 0; index < 3; index++) CHECK(results[index].error.code == MSGEXPORT_PERMISSION_DENIED);
    free(text);
    msgexport_close(client);
}

static void *work(void *number) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "c-thread-%zu", *(size_t *)number);
    msgexport *client = open_at(socket_path, 0);
    sms_message made;
    msgexport_result result;
    for (size_t each = 0; each < 50; each++)
        CHECK(msgexport_ingest(client, sms(&made, prefix, each), &result) == MSGEXPORT_OK && result.outcome == MSGEXPORT_STORED);
    msgexport_close(client);
    return NULL;
}

static void threads_have_clients_of_their_own(void) {
    pthread_t threads[8];
    size_t numbers[8];
    for (size_t index = 0; index < 8; index++) {
        numbers[index] = index;
        CHECK(pthread_create(&threads[index], NULL, work, &numbers[index]) == 0);
    }
    for (size_t index = 0; index < 8; index++) pthread_join(threads[index], NULL);
}

static void a_child_of_a_fork_connects_anew(void) {
    msgexport *client = open_at(socket_path, 0);
    sms_message made;
    msgexport_result result;
    CHECK(msgexport_ingest(client, sms(&made, "c-fork", 0), &result) == MSGEXPORT_OK);
    CHECK(msgexport_submit(client, sms(&made, "c-fork", 1), 1, NULL) == MSGEXPORT_OK);
    pid_t child = fork();
    if (child == 0) {
        bool is_good = msgexport_ingest(client, sms(&made, "c-fork", 2), &result) == MSGEXPORT_OK
            && result.outcome == MSGEXPORT_STORED && msgexport_pending(client) == 0 && !msgexport_next(client, &result);
        msgexport_close(client);
        _exit(is_good ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(msgexport_ingest(client, sms(&made, "c-fork", 3), &result) == MSGEXPORT_OK && result.outcome == MSGEXPORT_STORED);
    msgexport_close(client);
}

static void note_signal(int signal) { (void)signal; }

static void signals_do_no_harm(void) {
    struct sigaction action = { .sa_handler = note_signal };
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = { .it_interval = { 0, 1000 }, .it_value = { 0, 1000 } };
    setitimer(ITIMER_REAL, &often, NULL);
    msgexport *client = open_at(socket_path, 0);
    sms_message made;
    msgexport_result result;
    for (size_t each = 0; each < 100; each++)
        CHECK(msgexport_ingest(client, sms(&made, "c-signal", each), &result) == MSGEXPORT_OK);
    setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
    msgexport_close(client);
}

/* A socket of somebody else's; what comes to it is answered with `answer`, or never where that is NULL. */
typedef struct {
    int listener;
    const char *answer;
    size_t size;
    bool is_closing;
} stranger;

static void *serve(void *given) {
    stranger *other = given;
    for (;;) {
        int connection = accept(other->listener, NULL, NULL);
        if (connection < 0) return NULL;
        if (other->answer) send(connection, other->answer, other->size, MSG_NOSIGNAL);
        if (other->is_closing) close(connection);
    }
}

static void start_answering(stranger *started, char path[108], const char *name, const char *answer, size_t size, bool is_closing) {
    snprintf(path, 108, "%s/c-%s", folder, name);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path));
    *started = (stranger){ socket(AF_UNIX, SOCK_STREAM, 0), answer, size, is_closing };
    CHECK(bind(started->listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(started->listener, 16) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, serve, started) == 0 && pthread_detach(thread) == 0);
}

static void start(stranger *started, char path[108], const char *name, const char *answer, bool is_closing) {
    start_answering(started, path, name, answer, answer ? strlen(answer) : 0, is_closing);
}

static void expect(const char *path, int timeout_ms, msgexport_code code, const char *word) {
    msgexport *client = open_at(path, timeout_ms);
    sms_message made;
    msgexport_result result;
    CHECK(msgexport_ingest(client, sms(&made, "c-x", 1), &result) == code);
    if (!strstr(result.error.message, word)) fprintf(stderr, "%s\n", result.error.message);
    CHECK(strstr(result.error.message, word) && result.outcome == MSGEXPORT_NOT_TAKEN);
    msgexport_close(client);
}

static int64_t milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Of more than fit a window, nobody is there. */
static void a_batch_has_one_deadline(const char *path) {
    enum { COUNT = 8 * MSGEXPORT_IN_FLIGHT };
    msgexport *client = open_at(path, 2000);
    sms_message *made = calloc(COUNT, sizeof *made);
    msgexport_message *batch = calloc(COUNT, sizeof *batch);
    msgexport_result *results = calloc(COUNT, sizeof *results);
    CHECK(made && batch && results);
    for (size_t index = 0; index < COUNT; index++) batch[index] = *sms(&made[index], "c-many", index);
    int64_t start = milliseconds();
    CHECK(msgexport_ingest_batch(client, batch, COUNT, results) == MSGEXPORT_UNAVAILABLE);
    CHECK(milliseconds() - start < 7 * 2000);
    for (size_t index = 0; index < COUNT; index++) CHECK(results[index].error.code == MSGEXPORT_UNAVAILABLE && !results[index].may_be_stored);
    free(made);
    free(batch);
    free(results);
    msgexport_close(client);
}

static void what_fills_the_window_ends_with_its_deadline(const char *path) {
    msgexport *client = open_at(path, 300);
    sms_message made;
    msgexport_result result;
    for (size_t number = 0; msgexport_submit(client, sms(&made, "c-fill", number), number, NULL) == MSGEXPORT_OK;) number++;
    CHECK(msgexport_ingest(client, sms(&made, "c-last", 1), &result) == MSGEXPORT_DEADLINE_EXCEEDED);
    CHECK(msgexport_next(client, &result) && result.error.code == MSGEXPORT_DEADLINE_EXCEEDED && result.may_be_stored);
    msgexport_close(client);
}

static void who_is_not_there_or_not_the_daemon_is_told(void) {
    static stranger others[5];
    char path[108];
    snprintf(path, sizeof path, "%s/absent", folder);
    a_batch_has_one_deadline(path);
    expect(path, 200, MSGEXPORT_UNAVAILABLE, "no daemon answers");
    start(&others[0], path, "other", "HTTP/1.1 400 Bad Request\r\n\r\n", false);
    expect(path, 5000, MSGEXPORT_INTERNAL, "not the daemon");
    start(&others[1], path, "garbage", "\1\1\1\1garbage garbage", false);
    expect(path, 5000, MSGEXPORT_INTERNAL, "not the daemon");
    start(&others[2], path, "silent", NULL, false);
    what_fills_the_window_ends_with_its_deadline(path);
    expect(path, 200, MSGEXPORT_DEADLINE_EXCEEDED, "no answer within 200 ms");
    /* On the call that all share, for the first message of a client: the outcome 5. */
    static const char newer[] = "\0\0\0\11\0\0\0\1\3\0\12\7\10\200\10\22\2\10\5";
    start_answering(&others[4], path, "newer", newer, sizeof newer - 1, false);
    expect(path, 5000, MSGEXPORT_UNKNOWN, "does not know");
    start(&others[3], path, "closing", NULL, true);
    expect(path, 200, MSGEXPORT_UNAVAILABLE, "no daemon answers");
    expect(folder, 200, MSGEXPORT_UNAVAILABLE, "no daemon answers");
}

static void bulk(size_t count, const char *kind) {
    msgexport *client = open_at(socket_path, 120000);
    size_t stored = 0;
    if (strcmp(kind, "batch") == 0) {
        enum { PART = 50 };
        sms_message made[PART];
        msgexport_message batch[PART];
        msgexport_result results[PART];
        for (size_t first = 0; first < count; first += PART) {
            size_t part = count - first < PART ? count - first : PART;
            for (size_t index = 0; index < part; index++) batch[index] = *sms(&made[index], kind, first + index);
            CHECK(msgexport_ingest_batch(client, batch, part, results) == MSGEXPORT_OK);
            for (size_t index = 0; index < part; index++)
                CHECK(results[index].outcome == MSGEXPORT_STORED || results[index].outcome == MSGEXPORT_DUPLICATE);
            stored += part;
            printf("%zu\n", stored);
            fflush(stdout);
        }
    }
    for (size_t submitted = 0; stored < count;) {
        sms_message made;
        while (submitted < count && msgexport_submit(client, sms(&made, kind, submitted), submitted, NULL) == MSGEXPORT_OK)
            submitted++;
        struct pollfd polled = { .fd = msgexport_fd(client), .events = msgexport_events(client) };
        poll(&polled, 1, msgexport_timeout(client));
        if (msgexport_process(client) == 0) continue;
        for (msgexport_result result; msgexport_next(client, &result);) {
            if (result.outcome == MSGEXPORT_NOT_TAKEN) {
                /* It may be stored: the same again settles it. */
                CHECK(result.error.code == MSGEXPORT_UNAVAILABLE);
                CHECK(msgexport_submit(client, sms(&made, kind, result.tag), result.tag, NULL) == MSGEXPORT_OK);
            } else {
                stored++;
            }
        }
        printf("%zu\n", stored);
        fflush(stdout);
    }
    msgexport_close(client);
}

int main(int count, char **arguments) {
    CHECK(count >= 3);
    socket_path = arguments[1];
    folder = arguments[2];
    if (count == 5) {
        bulk(strtoul(arguments[3], NULL, 10), arguments[4]);
        return 0;
    }
#define PLAY(scene) (scene(), printf("%s\n", #scene), fflush(stdout))
    PLAY(one_message_and_again);
    PLAY(a_mail_with_everything);
    PLAY(errors_say_what_and_where);
    PLAY(large_messages_go_in_chunks);
    PLAY(several_large_ones_at_a_time);
    PLAY(one_that_is_refused_half_sent_spoils_no_other);
    PLAY(as_much_is_in_flight_as_may_be);
    PLAY(threads_have_clients_of_their_own);
    PLAY(a_child_of_a_fork_connects_anew);
    PLAY(signals_do_no_harm);
    PLAY(who_is_not_there_or_not_the_daemon_is_told);
}
