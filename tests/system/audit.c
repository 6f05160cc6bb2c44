// Wraps functions of the C library: each records its name when it is called while `running` is 1.

#define _GNU_SOURCE
#include "audit.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

__thread int running;
static const char *seen[64];
static unsigned count;

static void note(const char *name) {
    if (running && count < sizeof seen / sizeof *seen) seen[count++] = name;
}

#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);
void *malloc(size_t size) { return note("malloc"), __libc_malloc(size); }
void *calloc(size_t number, size_t size) { return note("calloc"), __libc_calloc(number, size); }
void *realloc(void *old, size_t size) { return note("realloc"), __libc_realloc(old, size); }
void free(void *old) {
    if (old) note("free");
    __libc_free(old);
}
int pthread_mutex_lock(pthread_mutex_t *mutex) {
    note("pthread_mutex_lock");
    return REAL(int, pthread_mutex_lock, pthread_mutex_t *)(mutex);
}
int nanosleep(const struct timespec *time, struct timespec *left) {
    note("nanosleep");
    return REAL(int, nanosleep, const struct timespec *, struct timespec *)(time, left);
}
int usleep(useconds_t time) {
    note("usleep");
    return REAL(int, usleep, useconds_t)(time);
}
ssize_t read(int file, void *to, size_t size) {
    note("read");
    return REAL(ssize_t, read, int, void *, size_t)(file, to, size);
}
ssize_t write(int file, const void *from, size_t size) {
    note("write");
    return REAL(ssize_t, write, int, const void *, size_t)(file, from, size);
}
int poll(struct pollfd *files, nfds_t number, int limit) {
    note("poll");
    return REAL(int, poll, struct pollfd *, nfds_t, int)(files, number, limit);
}
int munmap(void *at, size_t size) {
    note("munmap");
    return REAL(int, munmap, void *, size_t)(at, size);
}
ssize_t sendto(int file, const void *from, size_t size, int flags, const struct sockaddr *to, socklen_t length) {
    if (!(flags & MSG_DONTWAIT)) note("sendto that waits");
    return REAL(ssize_t, sendto, int, const void *, size_t, int, const struct sockaddr *, socklen_t)(
        file, from, size, flags, to, length);
}

void report(void) {
    for (unsigned i = 0; i < count; ++i) printf("%s\n", seen[i]);
}
