// Preloaded into a program under test: each process can start only $THREADS threads.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *with) {
    static atomic_int begun;
    if (atomic_fetch_add(&begun, 1) >= atoi(getenv("THREADS"))) return EAGAIN;
    int (*really)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
    return really(thread, how, run, with);
}
