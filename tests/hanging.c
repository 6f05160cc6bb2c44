/* A VST3 that hangs: it loads the plugin INNER and replaces two functions in the tables of that plugin. From block AFTER
   on, a call that processes a block returns only once the file LET_GO exists. The file LET_GO.hangs shows that the first
   such call has begun. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { QUERY_INTERFACE = 0, CREATE_INSTANCE = 6, PROCESS = 9 }; /* positions in the tables of the VST3 interfaces */

typedef int32_t (*query_t)(void *, const char *, void **);
typedef int32_t (*create_t)(void *, const char *, const char *, void **);
typedef int32_t (*process_t)(void *, void *);
typedef void *(*factory_t)(void);
typedef bool (*entry_t)(void *);

static const unsigned char AUDIO_PROCESSOR[16] = {0x42, 0x04, 0x3F, 0x99, 0xB7, 0xDA, 0x45, 0x3C,
                                                  0xA5, 0x69, 0xE7, 0x9D, 0x9A, 0xAE, 0xC3, 0x3D};
static void *inner;
static create_t real_create;
static process_t real_process;
static atomic_int blocks;

static void **table(void *object) { return *(void ***)object; }

static void put(void *object, int place, void *function) {
    uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)&table(object)[place];
    mprotect((void *)(at & ~(size - 1)), 2 * size, PROT_READ | PROT_WRITE);
    table(object)[place] = function;
}

static int32_t process(void *self, void *data) {
    if (atomic_fetch_add(&blocks, 1) >= AFTER) {
        close(open(LET_GO ".hangs", O_CREAT | O_WRONLY, 0600));
        while (access(LET_GO, F_OK) != 0)
            usleep(10000);
    }
    return real_process(self, data);
}

static int32_t create(void *self, const char *class, const char *interface, void **object) {
    int32_t result = real_create(self, class, interface, object);
    void *processor = 0;
    if (result == 0 && ((query_t)table(*object)[QUERY_INTERFACE])(*object, (const char *)AUDIO_PROCESSOR, &processor) == 0 &&
        table(processor)[PROCESS] != (void *)process) {
        real_process = (process_t)table(processor)[PROCESS];
        put(processor, PROCESS, (void *)process);
    }
    return result;
}

bool ModuleEntry(void *library) {
    inner = dlopen(INNER, RTLD_NOW | RTLD_LOCAL);
    return inner && ((entry_t)dlsym(inner, "ModuleEntry"))(inner);
}

bool ModuleExit(void) { return true; }

void *GetPluginFactory(void) {
    void *factory = ((factory_t)dlsym(inner, "GetPluginFactory"))();
    if (table(factory)[CREATE_INSTANCE] != (void *)create) {
        real_create = (create_t)table(factory)[CREATE_INSTANCE];
        put(factory, CREATE_INSTANCE, (void *)create);
    }
    return factory;
}
