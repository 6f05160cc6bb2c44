// A host for the LV2 plugin that watches the plugin's callback for allocations, locks and system calls that may block.
//
//     lv2_host PLUGIN.so RATE BLOCK BLOCKS INSTANCES OUT WAIT PAIRS
//
// Runs BLOCKS blocks of each of INSTANCES instances, one instance after the other, in real time, with a note every 16
// blocks; WAIT 1 lets the plugin wait for its server. Writes the left channel of each of the plugin's PAIRS output
// pairs to the file OUT: float32, interleaved.
// Prints the forbidden calls that the callback made, one per line (see audit.c), and then "done".

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit.h"
#include "lv2/atom.h"
#include "lv2/buf-size.h"
#include "lv2/lv2.h"
#include "lv2/midi.h"
#include "lv2/options.h"
#include "lv2/urid.h"
#include "lv2/worker.h"

enum { OUTS = 34, PARAMETERS = 16, SPACE = 8192, NAMES = 256, EVERY = 16 };

static char *names[NAMES];

static LV2_URID map(LV2_URID_Map_Handle handle, const char *uri) {
    (void)handle;
    for (LV2_URID i = 0; i < NAMES; ++i) {
        if (!names[i]) names[i] = strdup(uri);
        if (!strcmp(names[i], uri)) return i + 1;
    }
    abort();
}

static LV2_Worker_Status schedule(LV2_Worker_Schedule_Handle handle, uint32_t size, const void *data) {
    (void)handle, (void)size, (void)data;
    return LV2_WORKER_SUCCESS;
}

static void run_one(const LV2_Descriptor *plugin, double rate, int block, int blocks, FILE *out, float waits,
                    uint32_t pairs) {
    LV2_URID_Map mapper = {NULL, map};
    LV2_Worker_Schedule worker = {NULL, schedule};
    float rate_f = (float)rate, latency;
    LV2_Options_Option options[] = {
        {LV2_OPTIONS_INSTANCE, 0, map(NULL, LV2_BUF_SIZE__maxBlockLength), sizeof block, map(NULL, LV2_ATOM__Int), &block},
        {LV2_OPTIONS_INSTANCE, 0, map(NULL, LV2_BUF_SIZE_PREFIX "nominalBlockLength"), sizeof block,
         map(NULL, LV2_ATOM__Int), &block},
        {LV2_OPTIONS_INSTANCE, 0, map(NULL, "http://lv2plug.in/ns/ext/parameters#sampleRate"), sizeof rate_f,
         map(NULL, LV2_ATOM__Float), &rate_f},
        {LV2_OPTIONS_INSTANCE, 0, 0, 0, 0, NULL}};
    const LV2_Feature map_f = {LV2_URID__map, &mapper}, options_f = {LV2_OPTIONS__options, options},
                      worker_f = {LV2_WORKER__schedule, &worker};
    const LV2_Feature *features[] = {&map_f, &options_f, &worker_f, NULL};
    LV2_Handle instance = plugin->instantiate(plugin, rate, ".", features);
    if (!instance) {
        fprintf(stderr, "no instance\n");
        exit(1);
    }
    static float sound[OUTS][SPACE], controls[PARAMETERS];
    static _Alignas(8) unsigned char in[SPACE], sent[SPACE];
    uint32_t port = 0;
    for (; port < 2 * pairs; ++port) plugin->connect_port(instance, port, sound[port]);
    plugin->connect_port(instance, port++, in);
    plugin->connect_port(instance, port++, sent);
    plugin->connect_port(instance, port++, &latency);
    for (uint32_t i = 0; i < PARAMETERS; ++i) plugin->connect_port(instance, port++, &controls[i]);
    controls[10] = 1.0f;  // velocity depth
    controls[12] = waits;
    plugin->activate(instance);
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (int n = 0; n < blocks; ++n) {
        LV2_Atom_Sequence *events = (LV2_Atom_Sequence *)in;
        events->atom.type = map(NULL, LV2_ATOM__Sequence);
        events->atom.size = sizeof events->body;
        events->body.unit = events->body.pad = 0;
        if (n % EVERY == 0) {
            LV2_Atom_Event *event = (LV2_Atom_Event *)(events + 1);
            event->time.frames = block / 3;
            event->body.type = map(NULL, LV2_MIDI__MidiEvent);
            event->body.size = 3;
            memcpy(event + 1, (unsigned char[]){0x90, 38, 100}, 3);
            events->atom.size += sizeof *event + 8;
        }
        controls[2] = (float)(n % 100) / 100.0f;  // position
        ((LV2_Atom_Sequence *)sent)->atom.size = SPACE - 8;
        running = 1;
        plugin->run(instance, (uint32_t)block);
        running = 0;
        for (int t = 0; t < block; ++t)
            for (uint32_t pair = 0; pair < pairs; ++pair) fwrite(&sound[2 * pair][t], sizeof(float), 1, out);
        due.tv_nsec += (long)(1e9 * block / rate);
        due.tv_sec += due.tv_nsec / 1000000000;
        due.tv_nsec %= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
    plugin->deactivate(instance);
    plugin->cleanup(instance);
}

int main(int number, char **words) {
    if (number != 9) return 2;
    void *library = dlopen(words[1], RTLD_NOW);
    const LV2_Descriptor *(*find)(uint32_t) =
        library ? (const LV2_Descriptor *(*)(uint32_t))dlsym(library, "lv2_descriptor") : NULL;
    if (!find) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    FILE *out = fopen(words[6], "wb");
    for (int i = 0; i < atoi(words[5]); ++i)
        run_one(find(0), atof(words[2]), atoi(words[3]), atoi(words[4]), out, (float)atof(words[7]), (uint32_t)atoi(words[8]));
    fclose(out);
    report();
    printf("done\n");
    return 0;
}
