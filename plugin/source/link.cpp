#include "link.h"

#include <chrono>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace soundmorph {

namespace {

constexpr auto checkInterval = std::chrono::milliseconds (50);
constexpr double startSeconds = 30.0; // longest wait for a server before another is started
constexpr double restSeconds = 1.0;   // hosts stop a plugin for a moment to change its block size
const std::string ownPrefix = "plugin-";

double now() {
    return std::chrono::duration<double> (std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string folderOfBridges() {
    const char* runtime = std::getenv ("XDG_RUNTIME_DIR");
    const auto place = runtime != nullptr && *runtime != 0 ? std::string (runtime) + "/soundmorph"
                                                           : "/tmp/soundmorph-" + std::to_string (::getuid());
    ::mkdir (place.c_str(), 0700);
    return place;
}

std::string ownName() {
    static std::atomic<int> count { 0 };
    return ownPrefix + std::to_string (::getpid()) + "-" + std::to_string (++count);
}

std::string setting (const char* variable, const char* otherwise) {
    const char* value = std::getenv (variable);
    return value != nullptr && *value != 0 ? value : otherwise;
}

void shell (const std::string& line) {
    const char* arguments[] = { "sh", "-c", line.c_str(), nullptr };
    pid_t child = 0;
    if (::posix_spawn (&child, "/bin/sh", nullptr, nullptr, const_cast<char**> (arguments), environ) == 0)
        ::waitpid (child, nullptr, 0); // returns soon: the line starts a process in the background
}

} // namespace

Link::Link (int number) : outs (number), folder (folderOfBridges()), own (ownName()) {}

Link::~Link() {
    {
        const std::lock_guard<std::mutex> lock (mutex);
        closing = true;
    }
    changed.notify_all();
    if (thread.joinable())
        thread.join();
    detach();
}

void Link::prepare (int newRate, int newBlock) {
    const std::lock_guard<std::mutex> lock (mutex);
    rate = newRate;
    block = newBlock;
    restsAt = 1e18;
    if (Bridge* here = shared.load()) {
        here->memory->set (Word::hostBlock, static_cast<std::uint64_t> (block));
        here->memory->set (Word::hostRate, static_cast<std::uint64_t> (rate));
    }
    if (! thread.joinable())
        thread = std::thread ([this] { run(); });
}

void Link::rest() {
    const std::lock_guard<std::mutex> lock (mutex);
    restsAt = now() + restSeconds;
}

void Link::wait (double seconds) {
    std::unique_lock<std::mutex> lock (mutex);
    const auto ready = [this] { return closing || unreachable || (isOpen() && bridge->memory->plays (rate)); };
    if (! changed.wait_for (lock, std::chrono::duration<double> (seconds), ready))
        unreachable = true;
}

// True if the server has opened the project. The caller holds the mutex.
bool Link::isOpen() const noexcept {
    const Bridge* here = shared.load();
    return here != nullptr && ! projectIsNew
           && here->memory->get (Word::projectRead) == here->memory->get (Word::projectWrites);
}

// Stores the server's state. The caller holds the mutex.
void Link::learn() {
    if (! isOpen())
        return;
    if (auto text = bridge->memory->state(); ! text.empty())
        kept = std::move (text);
}

std::string Link::project() {
    const std::lock_guard<std::mutex> lock (mutex);
    learn();
    return kept;
}

void Link::setProject (const std::string& text) {
    const std::lock_guard<std::mutex> lock (mutex);
    kept = text;
    projectIsNew = ! text.empty();
    changed.notify_all();
}

std::vector<std::uint8_t> Link::model() {
    const std::lock_guard<std::mutex> lock (mutex);
    if (isOpen()) {
        std::ifstream source (file (name, ".model"), std::ios::binary);
        if (std::vector<std::uint8_t> found { std::istreambuf_iterator<char> (source), {} }; ! found.empty())
            return found;
    }
    return offer;
}

void Link::setModel (std::vector<std::uint8_t> content) {
    const std::lock_guard<std::mutex> lock (mutex);
    offer = std::move (content);
    projectIsNew = ! kept.empty(); // the project may have arrived before its model
    changed.notify_all();
}

// Writes the file under another name and renames it, so that it is complete under its own.
void Link::writeOffer() const {
    const auto place = file (name, ".offer"), part = place + "-part";
    ::unlink (place.c_str());
    if (offer.empty())
        return;
    std::ofstream (part, std::ios::binary).write (reinterpret_cast<const char*> (offer.data()),
                                                  static_cast<std::streamsize> (offer.size()));
    ::rename (part.c_str(), place.c_str());
}

void Link::run() {
    std::unique_lock<std::mutex> lock (mutex);
    while (! closing) {
        step();
        changed.notify_all();
        changed.wait_for (lock, checkInterval);
    }
}

// The caller holds the mutex.
void Link::step() {
    if (now() > restsAt) {
        if (claimed >= 0)
            detach();
        current = Status::away;
        return;
    }
    if (shared.load() != nullptr && ! serverRuns (name))
        detach();
    if (shared.load() == nullptr && ! attachToAny() && now() - startedAt > startSeconds)
        start();
    if (shared.load() != nullptr) {
        exchange();
        return;
    }
    const bool runs = ::access (file (own, ".starting").c_str(), F_OK) == 0; // the server that this plugin has started
    current = runs && now() - startedAt < startSeconds ? Status::starting : Status::away;
    unreachable = unreachable || (claimed >= 0 && ! runs);
}

bool Link::attachToAny() {
    const auto wanted = setting ("SOUNDMORPH_BRIDGE", "");
    if (! wanted.empty())
        return attach (wanted);
    if (attach (own))
        return true;
    DIR* files = ::opendir (folder.c_str());
    if (files == nullptr)
        return false;
    bool found = false;
    const std::string suffix = ".bridge";
    while (const dirent* entry = found ? nullptr : ::readdir (files)) {
        const std::string each = entry->d_name;
        if (each.size() > suffix.size() && each[0] != '.' && each.rfind (ownPrefix, 0) != 0
            && each.compare (each.size() - suffix.size(), suffix.size(), suffix) == 0)
            found = attach (each.substr (0, each.size() - suffix.size()));
    }
    ::closedir (files);
    return found;
}

bool Link::attach (const std::string& wanted) {
    if (! serverRuns (wanted) || ! claim (wanted))
        return false;
    auto memory = Memory::open (file (wanted, ".bridge"));
    if (memory == nullptr)
        return false;
    memory->set (Word::hostBlock, static_cast<std::uint64_t> (block));
    memory->set (Word::hostRate, static_cast<std::uint64_t> (rate));
    bridge = std::make_unique<Bridge> (std::move (memory));
    unreachable = false;
    projectIsNew = ! kept.empty(); // also after a server has ended: the next one continues with its state
    shared.store (bridge.get());
    return true;
}

bool Link::serverRuns (const std::string& wanted) const {
    const int lock = ::open (file (wanted, ".server").c_str(), O_RDONLY | O_CLOEXEC);
    if (lock < 0)
        return false;
    const bool runs = ::flock (lock, LOCK_SH | LOCK_NB) != 0;
    ::close (lock);
    return runs;
}

bool Link::claim (const std::string& wanted) {
    if (claimed >= 0 && name == wanted)
        return true;
    const int lock = ::open (file (wanted, ".host").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || ::flock (lock, LOCK_EX | LOCK_NB) != 0) {
        if (lock >= 0)
            ::close (lock);
        return false;
    }
    if (claimed >= 0)
        ::close (claimed);
    claimed = lock;
    name = wanted;
    return true;
}

void Link::start() {
    startedAt = now();
    if (! setting ("SOUNDMORPH_BRIDGE", "").empty() || ! claim (own))
        return;
    const auto command = setting ("SOUNDMORPH_SERVER", "realtime serve");
    std::string options = " --device bridge:" + own + " --with-host --port 0 --oscquery 0 --rate " + std::to_string (rate);
    for (int i = 1; i <= outs; ++i)
        options += (i == 1 ? " --outs class/" : ",class/") + std::to_string (i);
    unreachable = false;
    const auto starting = file (own, ".starting"); // this file exists until the command ends
    std::ofstream { starting };
    shell ("exec </dev/null >'" + file (own, ".log") + "' 2>&1; { " + command + options + "; rm -f '" + starting + "'; } &");
}

void Link::detach() {
    shared.store (nullptr);
    while (inUse.load (std::memory_order_acquire))
        std::this_thread::yield();
    bridge.reset();
    if (claimed >= 0)
        ::close (claimed);
    claimed = -1;
    startedAt = -1e9;
}

void Link::exchange() {
    auto& memory = *bridge->memory;
    if (projectIsNew) {
        writeOffer();
        memory.writeProject (kept);
        projectIsNew = false;
    } else {
        learn();
    }
    if (! memory.plays (rate))
        current = Status::starting;
    else
        current = memory.get (Word::faults) == 0 ? Status::plays : Status::playsWithFaults;
    if (pageWanted.exchange (false) && memory.get (Word::pagePort) != 0)
        shell ("xdg-open http://127.0.0.1:" + std::to_string (memory.get (Word::pagePort)) + "/ >/dev/null 2>&1 &");
}

std::string Link::file (const std::string& wanted, const char* suffix) const {
    return folder + "/" + wanted + suffix;
}

} // namespace soundmorph
