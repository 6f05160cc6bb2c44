// The connection to a server: finds one or starts one, watches it, and exchanges states with it.

#pragma once

#include "stream.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace soundmorph {

enum class Status { away, starting, plays, playsWithFaults };

class Link {
public:
    // outs: number of classes that get outs of their own in a server that this plugin starts.
    explicit Link (int outs);
    ~Link();

    // Begins to look for a server, unless it has begun. Rate in Hz; block: largest block of the host.
    void prepare (int rate, int block);
    // Leaves the server after a second, unless `prepare` is called before; for a host that no longer plays the plugin.
    void rest();
    // Waits at most `seconds` until a server plays at the host's rate, or cannot be started; for a host that renders
    // offline.
    void wait (double seconds);

    // The state of the server, or the state to restore; text in JSON, may be empty.
    std::string project();
    void setProject (const std::string& text);
    // The file of the server's model, or of the model that a project brings; may be empty.
    std::vector<std::uint8_t> model();
    void setModel (std::vector<std::uint8_t> content);
    void openPage() noexcept { pageWanted = true; }
    Status status() const noexcept { return current; }

    // Keeps the bridge mapped during the object's life. For the audio thread: never waits.
    class Use {
    public:
        explicit Use (Link& owner) noexcept : link (owner) { link.inUse.store (true); }
        ~Use() { link.inUse.store (false, std::memory_order_release); }
        Bridge* bridge() const noexcept { return link.shared.load(); }

    private:
        Link& link;
    };

private:
    void run();
    void step();
    bool attach (const std::string& name);
    bool attachToAny();
    void start();
    void detach();
    void exchange();
    void writeOffer() const;
    bool isOpen() const noexcept;
    void learn();
    bool serverRuns (const std::string& name) const;
    bool claim (const std::string& name);
    std::string file (const std::string& name, const char* suffix) const;

    const int outs;
    const std::string folder, own; // folder of the bridges; name of the bridge of the server that this plugin starts
    std::unique_ptr<Bridge> bridge;
    std::atomic<Bridge*> shared { nullptr };
    std::atomic<bool> inUse { false }, pageWanted { false }, playing { false };
    std::atomic<Status> current { Status::away };
    int claimed = -1; // descriptor of the locked file by which this plugin claims the bridge
    std::string name; // of the claimed bridge
    double startedAt = -1e9, restsAt = 1e18; // monotonic time in seconds

    std::mutex mutex; // for the members below; the audio thread never takes it
    std::condition_variable changed;
    int rate = 0, block = 0;
    bool closing = false, projectIsNew = false;
    bool unreachable = false; // no server can be reached, so `wait` returns at once
    std::vector<std::uint8_t> offer; // the model that a project brings
    std::string kept; // latest state of the server, or state of a project that is being opened
    std::thread thread;
};

} // namespace soundmorph
