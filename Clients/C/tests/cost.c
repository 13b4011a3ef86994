/* What handing one message over costs a sender written in C: cost SOCKET COUNT, one after the other on one connection.
   Prints microseconds a message: median, 99th percentile, all of it, CPU of this process. */
#include <msgexport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int ascending(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static int send_one(msgexport *client, long number, const char *text) {
    char id[64];
    snprintf(id, sizeof id, "%d-c-%ld", (int)getpid(), number);
    const char *senders[] = { "24365" };
    msgexport_sms sms = { .senders = senders, .sender_count = 1, .recipient = "+12025550123", .text = text };
    msgexport_message message = { .id = id, .configuration = "kept", .sms = &sms };
    msgexport_result result;
    return msgexport_ingest(client, &message, &result) == MSGEXPORT_OK && result.outcome == MSGEXPORT_STORED;
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: cost SOCKET COUNT\n"), 2;
    long count = strtol(argv[2], NULL, 10);
    double *times = malloc(sizeof(double) * (size_t)count);
    char text[2049];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    setenv("MESSAGE_EXPORT_SOCKET", argv[1], 1);
    msgexport_error error;
    msgexport *client = msgexport_open(NULL, &error);
    if (!client || !times) return fprintf(stderr, "%s\n", error.message), 1;
    for (long number = -20; number < 0; number++)
        if (!send_one(client, number, text)) return fprintf(stderr, "not stored\n"), 1;
    double before = cpu(), start = now();
    for (long number = 0; number < count; number++) {
        double begun = now();
        if (!send_one(client, number, text)) return fprintf(stderr, "not stored\n"), 1;
        times[number] = now() - begun;
    }
    double wall = (now() - start) / (double)count, used = (cpu() - before) / (double)count;
    qsort(times, (size_t)count, sizeof *times, ascending);
    printf("%.0f %.0f %.0f %.0f\n", times[count / 2], times[count * 99 / 100], wall, used);
    msgexport_close(client);
    free(times);
    return 0;
}
