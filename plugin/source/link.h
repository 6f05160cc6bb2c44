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

enum class Status { away, starting, plays, lacks };

class Link {
public:
    // outs: number of classes that get outs of their own in a server that this plugin starts.
    explicit Link (int outs);
    ~Link();

    // Begins to look for a server, if that has not begun. Rate in Hz; block: largest block of the host.
    void prepare (int rate, int block);
    // Lets the server go soon, unless `prepare` is called before: the host does not play the plugin any more.
    void rest();
    // Waits until a server plays at the host's rate, for at most `seconds`, unless it could not start; for a host that
    // is not live.
    void wait (double seconds);

    // The state of the server, or what is to be restored; text in JSON, may be empty.
    std::string project();
    void setProject (const std::string& text);
    // The file of the server's model, or of the model that a project brings; may be empty.
    std::vector<std::uint8_t> model();
    void setModel (std::vector<std::uint8_t> content);
    void openPage() noexcept { pageWanted = true; }
    Status status() const noexcept { return current; }

    // Keeps the bridge mapped while it lives. For the audio thread: never waits.
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
    const std::string folder, own; // of the bridges; the name of the server that this plugin starts
    std::unique_ptr<Bridge> bridge;
    std::atomic<Bridge*> shared { nullptr };
    std::atomic<bool> inUse { false }, pageWanted { false }, playing { false };
    std::atomic<Status> current { Status::away };
    int claimed = -1; // file with the lock that says that this plugin uses the bridge
    std::string name; // of the bridge
    double startedAt = -1e9, restsAt = 1e18; // monotonic time in seconds

    std::mutex mutex; // for what follows; the audio thread never takes it
    std::condition_variable changed;
    int rate = 0, block = 0;
    bool closing = false, projectIsNew = false;
    bool hopeless = false; // the server does not come: nobody waits for it any more
    std::vector<std::uint8_t> offer; // the model that a project brings
    std::string kept; // state of the server when it was last seen, or of a project that is opened
    std::thread thread;
};

} // namespace soundmorph
