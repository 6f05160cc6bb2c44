// A plugin host that plays a score on the VST3 or the CLAP plugin; each event is at its exact sample in a block.
//
//     plugin_host FORMAT PLUGIN RATE[,RATE ...] BLOCK[,BLOCK ...] SAMPLES MODE TEMPO SCORE OUT
//     plugin_host FORMAT PLUGIN INSTANCES
//
// FORMAT is vst3 or clap; PLUGIN is its shared library. The score lasts SAMPLES. With the MODE offline, the host
// requests blocks as fast as the plugin renders them; with live, at the pace of the clock, and the score starts
// once the parameter "Server" shows that the server is playing. If TEMPO (in beats per minute) is above 0, the
// transport plays from the start of the score. Each line of SCORE is one event; the events are in the order of time:
//
//     SAMPLE midi STATUS DATA DATA
//     SAMPLE set VALUE PARAMETER     VALUE is plain, not normalised
//
// The host plays the score once with each RATE and the BLOCK at the same position in the list. It writes all channels
// to OUT as float32, interleaved. It prints "bus CHANNELS NAME" for each output bus and, each time that it plays the
// score, three lines: "latency SAMPLES"; "start SAMPLE", the index of the sample in OUT at which the score starts; and
// "server VALUE", the value of the parameter "Server" at the end.
//
// With INSTANCES, the host opens the plugin that many times, lets each instance process one block, and closes it:
// first one instance after another, then all at once.
//
// Finally the host prints the forbidden calls that the audio callback made (audit.c), and "done".

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <time.h>
#include <vector>

#include "audit.h"
#include "clap/entry.h"
#include "clap/ext/audio-ports.h"
#include "clap/ext/latency.h"
#include "clap/ext/params.h"
#include "clap/plugin-factory.h"
#include "travesty/audio_processor.h"
#include "travesty/component.h"
#include "travesty/edit_controller.h"
#include "travesty/events.h"
#include "travesty/factory.h"
#include "travesty/host.h"

namespace {

[[noreturn]] void fail (const char* text) {
    std::fprintf (stderr, "%s\n", text);
    std::exit (1);
}

struct Event {
    long sample; // from the start of the score; while a block is played, from the start of the block
    bool isMidi;
    unsigned char data[3];
    std::string parameter;
    double value;
    unsigned id;
};

struct Bus {
    std::string name;
    int channels;
};

struct Block {
    double rate, tempo; // at a tempo of 0, the transport is stopped
    long position;      // index of the sample in the score at which the block begins
    int samples;
    const std::vector<Event>& events;
    std::vector<float*>& outs; // one for each channel
};

class Format {
public:
    virtual ~Format() = default;
    std::vector<Bus> buses;
    std::map<std::string, unsigned> parameters; // name -> identifier
    double server = 0.0;                        // the latest value of the parameter "Server"
    virtual unsigned start (double rate, int block, bool offline) = 0; // returns the latency
    virtual void process (const Block& block) = 0;
};

// ---- VST3

std::string narrow (const v3_str_128& text) {
    std::string name;
    for (int i = 0; i < 128 && text[i] != 0; ++i)
        name += static_cast<char> (text[i]);
    return name;
}

v3_result unknown (void*, const v3_tuid, void**) { return V3_NO_INTERFACE; }
uint32_t one (void*) { return 1; }

// An object of the host. VST3 sees `first`, which points to the table of functions.
template <class Functions>
struct Object {
    struct Table : v3_funknown {
        Functions functions;
    } table {};
    Table* first = &table;
    Object() {
        table.query_interface = unknown;
        table.ref = table.unref = one;
    }
    Functions** handle() { return reinterpret_cast<Functions**> (&first); }
};

struct Queue : Object<v3_param_value_queue> {
    unsigned id = 0;
    std::vector<std::pair<int, double>> points;
    Queue() {
        points.reserve (64);
        auto& f = table.functions;
        f.get_param_id = [] (void* self) { return of (self).id; };
        f.get_point_count = [] (void* self) { return static_cast<int32_t> (of (self).points.size()); };
        f.get_point = [] (void* self, int32_t i, int32_t* offset, double* value) {
            *offset = of (self).points[static_cast<size_t> (i)].first;
            *value = of (self).points[static_cast<size_t> (i)].second;
            return v3_result (V3_OK);
        };
        f.add_point = [] (void* self, int32_t offset, double value, int32_t*) {
            of (self).points.emplace_back (offset, value);
            return v3_result (V3_OK);
        };
    }
    static Queue& of (void* self) { return *reinterpret_cast<Queue*> (static_cast<char*> (self) - offset()); }
    static size_t offset() { return offsetof (Queue, first); }
};

struct Queues : Object<v3_param_changes> {
    std::vector<std::unique_ptr<Queue>> all;
    int32_t used = 0;
    Queues() {
        for (int i = 0; i < 32; ++i)
            all.push_back (std::make_unique<Queue>());
        auto& f = table.functions;
        f.get_param_count = [] (void* self) { return of (self).used; };
        f.get_param_data = [] (void* self, int32_t i) { return of (self).all[static_cast<size_t> (i)]->handle(); };
        f.add_param_data = [] (void* self, v3_param_id* id, int32_t* index) {
            *index = of (self).used;
            return of (self).queue (*id).handle();
        };
    }
    Queue& queue (unsigned id) {
        for (int32_t i = 0; i < used; ++i)
            if (all[static_cast<size_t> (i)]->id == id)
                return *all[static_cast<size_t> (i)];
        auto& next = *all[static_cast<size_t> (used++)];
        next.id = id;
        next.points.clear();
        return next;
    }
    static Queues& of (void* self) { return *reinterpret_cast<Queues*> (static_cast<char*> (self) - offsetof (Queues, first)); }
};

struct Notes : Object<v3_event_list> {
    std::vector<v3_event> all;
    Notes() {
        all.reserve (256);
        auto& f = table.functions;
        f.get_event_count = [] (void* self) { return static_cast<uint32_t> (of (self).all.size()); };
        f.get_event = [] (void* self, int32_t i, v3_event* event) {
            *event = of (self).all[static_cast<size_t> (i)];
            return v3_result (V3_OK);
        };
        f.add_event = [] (void*, v3_event*) { return v3_result (V3_OK); };
    }
    static Notes& of (void* self) { return *reinterpret_cast<Notes*> (static_cast<char*> (self) - offsetof (Notes, first)); }
};

class Vst3 : public Format {
public:
    explicit Vst3 (void* library) {
        auto enter = reinterpret_cast<bool (*) (void*)> (dlsym (library, "ModuleEntry"));
        auto get = reinterpret_cast<v3_plugin_factory** (*)()> (dlsym (library, "GetPluginFactory"));
        if (enter == nullptr || get == nullptr || ! enter (library))
            fail ("not a VST3");
        auto** factory = get();
        v3_class_info found {};
        v3_cpp_obj (factory)->get_class_info (factory, 0, &found);
        void* made = nullptr;
        if (v3_cpp_obj (factory)->create_instance (factory, found.class_id, v3_component_iid, &made) != V3_OK)
            fail ("no instance");
        component = static_cast<v3_component**> (made);
        auto& f = application.table.functions;
        f.get_name = [] (void*, v3_str_128 name) { return name[0] = 0, v3_result (V3_OK); };
        f.create_instance = [] (void*, v3_tuid, v3_tuid, void**) { return v3_result (V3_NOT_IMPLEMENTED); };
        if (v3_cpp_obj_initialize (component, reinterpret_cast<v3_funknown**> (application.handle())) != V3_OK)
            fail ("not initialised");
        if (v3_cpp_obj_query_interface (component, v3_audio_processor_iid, &processor) != V3_OK
            || v3_cpp_obj_query_interface (component, v3_edit_controller_iid, &controller) != V3_OK)
            fail ("no processor or controller");
        const auto count = v3_cpp_obj (component)->get_bus_count (component, V3_AUDIO, V3_OUTPUT);
        for (int32_t i = 0; i < count; ++i) {
            v3_bus_info bus {};
            v3_cpp_obj (component)->get_bus_info (component, V3_AUDIO, V3_OUTPUT, i, &bus);
            v3_cpp_obj (component)->activate_bus (component, V3_AUDIO, V3_OUTPUT, i, true);
            buses.push_back ({ narrow (bus.bus_name), bus.channel_count });
        }
        for (int32_t i = 0; i < v3_cpp_obj (controller)->get_parameter_count (controller); ++i) {
            v3_param_info each {};
            v3_cpp_obj (controller)->get_parameter_info (controller, i, &each);
            parameters[narrow (each.title)] = each.param_id;
        }
    }

    ~Vst3() override {
        v3_cpp_obj (processor)->set_processing (processor, false);
        v3_cpp_obj (component)->set_active (component, false);
        v3_cpp_obj_unref (controller);
        v3_cpp_obj_unref (processor);
        v3_cpp_obj_terminate (component);
        v3_cpp_obj_unref (component);
    }

    unsigned start (double rate, int block, bool offline) override {
        mode = offline ? V3_OFFLINE : V3_REALTIME;
        v3_process_setup setup { mode, V3_SAMPLE_32, block, rate };
        v3_cpp_obj (component)->set_active (component, false);
        v3_cpp_obj (processor)->setup_processing (processor, &setup);
        v3_cpp_obj (component)->set_active (component, true);
        v3_cpp_obj (processor)->set_processing (processor, true);
        return v3_cpp_obj (processor)->get_latency_samples (processor);
    }

    void process (const Block& block) override {
        notes.all.clear();
        in.used = out.used = 0;
        for (const auto& event : block.events) {
            const auto offset = static_cast<int> (event.sample);
            if (event.isMidi) {
                v3_event note {};
                note.sample_offset = offset;
                note.type = event.data[0] >= 0x90 ? V3_EVENT_NOTE_ON : V3_EVENT_NOTE_OFF;
                if (note.type == V3_EVENT_NOTE_ON)
                    note.note_on = { static_cast<int16_t> (event.data[0] & 15), event.data[1], 0.0f, event.data[2] / 127.0f, 0, -1 };
                else
                    note.note_off = { static_cast<int16_t> (event.data[0] & 15), event.data[1], event.data[2] / 127.0f, -1, 0.0f };
                notes.all.push_back (note);
            } else {
                const auto value = v3_cpp_obj (controller)->plain_parameter_to_normalised (controller, event.id, event.value);
                in.queue (event.id).points.emplace_back (offset, value);
            }
        }
        std::vector<v3_audio_bus_buffers> places;
        auto** channels = block.outs.data();
        for (const auto& bus : buses) {
            places.push_back ({ bus.channels, 0, { channels } });
            channels += bus.channels;
        }
        v3_process_context context {};
        context.sample_rate = block.rate;
        context.project_time_in_samples = block.position;
        context.project_time_quarters = static_cast<double> (block.position) / block.rate * block.tempo / 60.0;
        context.bpm = block.tempo;
        context.time_sig_numerator = context.time_sig_denom = 4;
        context.state = V3_PROCESS_CTX_PROJECT_TIME_VALID | V3_PROCESS_CTX_TEMPO_VALID | V3_PROCESS_CTX_TIME_SIG_VALID
                        | (block.tempo > 0.0 ? uint32_t (V3_PROCESS_CTX_PLAYING) : 0u);
        v3_process_data data {};
        data.process_mode = mode;
        data.symbolic_sample_size = V3_SAMPLE_32;
        data.nframes = block.samples;
        data.num_output_buses = static_cast<int32_t> (places.size());
        data.outputs = places.data();
        data.input_params = in.handle();
        data.output_params = out.handle();
        data.input_events = notes.handle();
        data.ctx = &context;
        running = 1;
        v3_cpp_obj (processor)->process (processor, &data);
        running = 0;
        for (int32_t i = 0; i < out.used; ++i)
            if (auto& queue = *out.all[static_cast<size_t> (i)]; queue.id == parameters["Server"])
                server = v3_cpp_obj (controller)->normalised_parameter_to_plain (controller, queue.id, queue.points.back().second);
    }

private:
    Object<v3_host_application> application;
    v3_component** component = nullptr;
    v3_audio_processor** processor = nullptr;
    v3_edit_controller** controller = nullptr;
    int32_t mode = V3_REALTIME;
    Queues in, out;
    Notes notes;
};

// ---- CLAP

struct Render { // the functions of the extension clap.render
    bool (*hasHardRealtimeRequirement) (const clap_plugin_t*);
    bool (*set) (const clap_plugin_t*, int32_t mode);
};

class Clap : public Format {
public:
    Clap (void* library, const char* path) {
        entry = static_cast<const clap_plugin_entry_t*> (dlsym (library, "clap_entry"));
        if (entry == nullptr || ! entry->init (path))
            fail ("not a CLAP");
        const auto* factory = static_cast<const clap_plugin_factory_t*> (entry->get_factory (CLAP_PLUGIN_FACTORY_ID));
        host = { CLAP_VERSION, this, "tests", "", "", "1", [] (auto*, auto*) -> const void* { return nullptr; },
                 [] (auto*) {}, [] (auto*) {}, [] (auto*) {} };
        plugin = factory->create_plugin (factory, &host, factory->get_plugin_descriptor (factory, 0)->id);
        if (plugin == nullptr || ! plugin->init (plugin))
            fail ("no instance");
        const auto* ports = extension<clap_plugin_audio_ports_t> (CLAP_EXT_AUDIO_PORTS);
        for (uint32_t i = 0; i < ports->count (plugin, false); ++i) {
            clap_audio_port_info_t port {};
            ports->get (plugin, i, false, &port);
            buses.push_back ({ port.name, static_cast<int> (port.channel_count) });
        }
        const auto* all = extension<clap_plugin_params_t> (CLAP_EXT_PARAMS);
        for (uint32_t i = 0; i < all->count (plugin); ++i) {
            clap_param_info_t each {};
            all->get_info (plugin, i, &each);
            parameters[each.name] = each.id;
        }
    }

    ~Clap() override {
        stop();
        plugin->destroy (plugin);
        entry->deinit();
    }

    unsigned start (double rate, int block, bool offline) override {
        stop();
        extension<Render> ("clap.render")->set (plugin, offline ? 1 : 0);
        plugin->activate (plugin, rate, 1, static_cast<uint32_t> (block));
        plugin->start_processing (plugin);
        active = true;
        return extension<clap_plugin_latency_t> (CLAP_EXT_LATENCY)->get (plugin);
    }

    void process (const Block& block) override {
        std::vector<Any> events (block.events.size());
        for (size_t i = 0; i < events.size(); ++i) {
            const auto& event = block.events[i];
            const auto time = static_cast<uint32_t> (event.sample);
            if (event.isMidi) {
                events[i].midi = { { sizeof (clap_event_midi_t), time, 0, CLAP_EVENT_MIDI, 0 }, 0, {} };
                std::memcpy (events[i].midi.data, event.data, 3);
            } else {
                events[i].value = { { sizeof (clap_event_param_value_t), time, 0, CLAP_EVENT_PARAM_VALUE, 0 },
                                    event.id, nullptr, -1, -1, -1, -1, event.value };
            }
        }
        const clap_input_events_t in { &events,
            [] (auto* list) { return static_cast<uint32_t> (static_cast<std::vector<Any>*> (list->ctx)->size()); },
            [] (auto* list, uint32_t i) -> const clap_event_header_t* {
                return &(*static_cast<std::vector<Any>*> (list->ctx))[i].header;
            } };
        const clap_output_events_t out { this, [] (auto* list, auto* header) {
            const auto* event = reinterpret_cast<const clap_event_param_value_t*> (header);
            auto& self = *static_cast<Clap*> (list->ctx);
            if (header->type == CLAP_EVENT_PARAM_VALUE && event->param_id == self.parameters.at ("Server"))
                self.server = event->value;
            return true;
        } };
        std::vector<clap_audio_buffer_t> places;
        auto** channels = block.outs.data();
        for (const auto& bus : buses) {
            places.push_back ({ channels, nullptr, static_cast<uint32_t> (bus.channels), 0, 0 });
            channels += bus.channels;
        }
        clap_event_transport_t transport {};
        transport.header = { sizeof transport, 0, 0, CLAP_EVENT_TRANSPORT, 0 };
        transport.flags = CLAP_TRANSPORT_HAS_TEMPO | CLAP_TRANSPORT_HAS_BEATS_TIMELINE | CLAP_TRANSPORT_HAS_TIME_SIGNATURE
                          | (block.tempo > 0.0 ? uint32_t (CLAP_TRANSPORT_IS_PLAYING) : 0u);
        transport.song_pos_beats = std::llround (static_cast<double> (block.position) / block.rate * block.tempo / 60.0
                                                 * static_cast<double> (CLAP_BEATTIME_FACTOR));
        transport.tempo = block.tempo;
        transport.tsig_num = transport.tsig_denom = 4;
        const clap_process_t data { block.position, static_cast<uint32_t> (block.samples), &transport, nullptr, places.data(), 0,
                                    static_cast<uint32_t> (places.size()), &in, &out };
        running = 1;
        const auto done = plugin->process (plugin, &data);
        running = 0;
        if (done == CLAP_PROCESS_ERROR)
            fail ("the CLAP does not process");
    }

private:
    union Any {
        clap_event_header_t header;
        clap_event_midi_t midi;
        clap_event_param_value_t value;
    };

    template <class Table>
    const Table* extension (const char* name) const {
        const auto* table = static_cast<const Table*> (plugin->get_extension (plugin, name));
        if (table == nullptr)
            fail (name);
        return table;
    }

    void stop() {
        if (active) {
            plugin->stop_processing (plugin);
            plugin->deactivate (plugin);
        }
        active = false;
    }

    const clap_plugin_entry_t* entry;
    clap_host_t host {};
    const clap_plugin_t* plugin;
    bool active = false;
};

// ----

std::vector<Event> read (const char* path, const Format& plugin) {
    std::vector<Event> events;
    std::ifstream file (path);
    for (std::string line, kind; std::getline (file, line);) {
        std::istringstream words (line);
        Event event {};
        words >> event.sample >> kind;
        event.isMidi = kind == "midi";
        if (event.isMidi) {
            int data[3] {};
            words >> data[0] >> data[1] >> data[2];
            for (int i = 0; i < 3; ++i)
                event.data[i] = static_cast<unsigned char> (data[i]);
        } else {
            words >> event.value;
            std::getline (words >> std::ws, event.parameter);
            event.id = plugin.parameters.at (event.parameter);
        }
        events.push_back (event);
    }
    return events;
}

void pace (timespec& due, double seconds) {
    due.tv_nsec += static_cast<long> (1e9 * seconds);
    due.tv_sec += due.tv_nsec / 1000000000;
    due.tv_nsec %= 1000000000;
    clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr);
}

// The buffers of a block.
class Outs {
public:
    Outs (const Format& plugin, int samples) {
        for (const auto& bus : plugin.buses)
            for (int i = 0; i < bus.channels; ++i)
                sound.emplace_back (samples);
        for (auto& each : sound)
            channels.push_back (each.data());
    }
    std::vector<float*> channels;

private:
    std::vector<std::vector<float>> sound;
};

struct Play {
    double rate, tempo;
    int samples; // in a block
    long length; // samples of the score
    bool live;
};

// Plays the score; returns how many samples it appends to the file, which already contains `written` samples.
long play (Format& plugin, const std::vector<Event>& score, const Play& how, long written, std::FILE* file) {
    const auto [rate, tempo, samples, length, live] = how;
    std::printf ("latency %u\n", plugin.start (rate, samples, ! live));
    Outs buffers (plugin, samples);
    auto& outs = buffers.channels;
    timespec due {};
    clock_gettime (CLOCK_MONOTONIC, &due);
    const long before = written;
    long began = live ? -1 : written;
    auto next = score.begin();
    while (began < 0 || written - began < length) {
        std::vector<Event> events;
        for (; began >= 0 && next != score.end() && next->sample < written - began + samples; ++next) {
            events.push_back (*next);
            events.back().sample -= written - began;
        }
        plugin.process ({ rate, began < 0 ? 0.0 : tempo, began < 0 ? 0 : written - began, samples, events, outs });
        for (int t = 0; t < samples; ++t)
            for (const auto* out : outs)
                std::fwrite (out + t, sizeof (float), 1, file);
        written += samples;
        if (live)
            pace (due, samples / rate);
        if (began < 0 && plugin.server >= 2.0)
            began = written;
    }
    std::printf ("start %ld\nserver %.0f\n", began, plugin.server);
    return written - before;
}

std::vector<double> numbers (const char* words) {
    std::vector<double> found;
    std::istringstream all (words);
    for (std::string each; std::getline (all, each, ',');)
        found.push_back (std::atof (each.c_str()));
    return found;
}

std::unique_ptr<Format> opened (const std::string& format, const char* path) {
    void* library = dlopen (path, RTLD_NOW);
    if (library == nullptr)
        fail (dlerror());
    if (format == "vst3")
        return std::make_unique<Vst3> (library);
    return std::make_unique<Clap> (library, path);
}

std::unique_ptr<Format> processed (std::unique_ptr<Format> plugin) {
    plugin->start (48000.0, 64, false);
    Outs buffers (*plugin, 64);
    plugin->process ({ 48000.0, 0.0, 0, 64, {}, buffers.channels });
    return plugin;
}

void openMany (const char* format, const char* path, int count) {
    for (int i = 0; i < count; ++i)
        processed (opened (format, path));
    std::vector<std::unique_ptr<Format>> all;
    for (int i = 0; i < count; ++i)
        all.push_back (processed (opened (format, path)));
}

} // namespace

int main (int number, char** words) {
    if (number == 4) {
        openMany (words[1], words[2], std::atoi (words[3]));
    } else if (number == 10) {
        auto plugin = opened (words[1], words[2]);
        for (const auto& bus : plugin->buses)
            std::printf ("bus %d %s\n", bus.channels, bus.name.c_str());
        const auto score = read (words[8], *plugin);
        const auto rates = numbers (words[3]), blocks = numbers (words[4]);
        std::FILE* file = std::fopen (words[9], "wb");
        long written = 0;
        for (size_t i = 0; i < rates.size(); ++i)
            written += play (*plugin, score,
                             { rates[i], std::atof (words[7]), static_cast<int> (blocks[i]), std::atol (words[5]),
                               std::strcmp (words[6], "live") == 0 },
                             written, file);
        std::fclose (file);
    } else {
        return 2;
    }
    report();
    std::printf ("done\n");
    return 0;
}
