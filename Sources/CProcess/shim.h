// What Swift cannot call: fork, and the kernel's calls without a wrapper of glibc's.
#ifndef CPROCESS_SHIM_H
#define CPROCESS_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// Starts a program that dies with this process, whatever ends it. To be called from a process of one thread.
// Standard input and error are the given descriptors; standard output is this process's.
static inline pid_t spawn_bound(const char *path, char *const arguments[], char *const environment[], int input, int error) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    dup2(input, 0);
    dup2(error, 2);
    signal(SIGPIPE, SIG_DFL);
    execve(path, arguments, environment);
    dprintf(2, "%s cannot be run: %s\n", path, strerror(errno));
    _exit(127);
}

// A file in memory alone that a started program inherits, and can open by its number; -1: there is none.
static inline int memory_file(const void *bytes, size_t count) {
    int file = (int)syscall(SYS_memfd_create, "settings", 0);
    if (file < 0) return -1;
    if (write(file, bytes, count) != (ssize_t)count || lseek(file, 0, SEEK_SET) != 0) {
        close(file);
        return -1;
    }
    return file;
}

// A pipe that no program inherits; as pipe answers.
static inline int private_pipe(int ends[2]) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }

// A descriptor that is readable when the process has ended.
static inline int process_descriptor(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

// Moves bytes between pipes without a copy; as read and write answer.
static inline ssize_t move_bytes(int from, int to, size_t count) {
    return (ssize_t)syscall(SYS_splice, from, NULL, to, NULL, count, 3 /* SPLICE_F_MOVE | SPLICE_F_NONBLOCK */);
}

// Nobody but root may look into this process or have its memory written to a file, now or when it crashes.
static inline void forbid_dumps(void) { prctl(PR_SET_DUMPABLE, 0); }

// A pipe's capacity, as far as the system grants it.
static inline void widen_pipe(int pipe, int bytes) { fcntl(pipe, 1031 /* F_SETPIPE_SZ */, bytes); }

#endif
