// Preloaded where valgrind counts: it does not survive that libdispatch ends the main thread and goes on without. Here that thread serves the
// main queue, until the process exits.
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

int _dispatch_get_main_queue_handle_4CF(void);
void _dispatch_main_queue_callback_4CF(void *message);

void dispatch_main(void) {
	for (;;) {
		uint64_t woken;
		struct pollfd ready = {.fd = _dispatch_get_main_queue_handle_4CF(), .events = POLLIN};
		_dispatch_main_queue_callback_4CF(0);
		if (poll(&ready, 1, -1) > 0 && read(ready.fd, &woken, sizeof(woken)) < 0)
			continue;
	}
}
