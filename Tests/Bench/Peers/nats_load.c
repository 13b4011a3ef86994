// nats_load PORT CONNECTIONS IN_FLIGHT COUNT <CONTENT: publishes that content so many times to a JetStream stream on disk, and prints
// acknowledged messages a second. Each connection has so many unacknowledged at most. It fails where one is not acknowledged or the stream
// has not got them all.
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void check(natsStatus status, const char *what) {
	if (status != NATS_OK) {
		fprintf(stderr, "nats_load: %s: %s\n", what, natsStatus_GetText(status));
		exit(1);
	}
}

static double seconds(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count_of_arguments, char **arguments) {
	if (count_of_arguments != 5) {
		fprintf(stderr, "usage: nats_load PORT CONNECTIONS IN_FLIGHT COUNT <CONTENT\n");
		return 64;
	}
	char url[64];
	snprintf(url, sizeof(url), "nats://127.0.0.1:%s", arguments[1]);
	int connections = atoi(arguments[2]), in_flight = atoi(arguments[3]), count = atoi(arguments[4]);
	static char content[1 << 20];
	int bytes = (int)fread(content, 1, sizeof(content), stdin);
	natsConnection **connection = calloc(connections, sizeof(*connection));
	jsCtx **stream = calloc(connections, sizeof(*stream));
	for (int index = 0; index < connections; index++) {
		jsOptions options;
		check(jsOptions_Init(&options), "options");
		// At so many, publishing waits for an acknowledgement.
		options.PublishAsync.MaxPending = in_flight;
		options.PublishAsync.StallWait = 60000;
		check(natsConnection_ConnectTo(&connection[index], url), "connect");
		check(natsConnection_JetStream(&stream[index], connection[index], &options), "JetStream");
	}
	jsStreamConfig settings;
	jsStreamInfo *info = NULL;
	const char *subjects[] = {"bench"};
	check(jsStreamConfig_Init(&settings), "settings");
	settings.Name = "bench";
	settings.Subjects = subjects;
	settings.SubjectsLen = 1;
	settings.Storage = js_FileStorage;
	js_DeleteStream(stream[0], "bench", NULL, NULL);
	check(js_AddStream(&info, stream[0], &settings, NULL, NULL), "add a stream");
	jsStreamInfo_Destroy(info);
	double start = seconds();
	for (int number = 0; number < count; number++)
		check(js_PublishAsync(stream[number % connections], "bench", content, bytes, NULL), "publish");
	for (int index = 0; index < connections; index++) {
		natsMsgList left = {0};
		check(js_PublishAsyncComplete(stream[index], NULL), "wait");
		check(js_PublishAsyncGetPendingList(&left, stream[index]) == NATS_NOT_FOUND ? NATS_OK : NATS_ERR, "some are not acknowledged");
	}
	double time = seconds() - start;
	check(js_GetStreamInfo(&info, stream[0], "bench", NULL, NULL), "look at the stream");
	if (info->State.Msgs != (uint64_t)count) {
		fprintf(stderr, "nats_load: the stream has %llu of %d messages\n", (unsigned long long)info->State.Msgs, count);
		return 1;
	}
	jsStreamInfo_Destroy(info);
	js_DeleteStream(stream[0], "bench", NULL, NULL);
	printf("%.0f\n", count / time);
	return 0;
}
