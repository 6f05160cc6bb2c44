// The memory shared with a server. realtime/audio/bridge_memory.py describes it; both have the same layout.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace soundmorph {

enum class Word : std::size_t {
    magic = 0, version = 1, channels = 2,
    // written by the server
    soundPort = 8, eventsPort = 9, pagePort = 10, epoch = 11, start = 12, rate = 13, written = 14,
    requestsRead = 15, eventsRead = 16, stateWrites = 17, stateBytes = 18, projectRead = 19, faults = 20,
    // written by the plugin
    hostRate = 32, hostBlock = 33, requestsWritten = 34, eventsWritten = 35, missed = 36,
    projectWrites = 37, projectBytes = 38,
};

enum class Kind : std::uint64_t { osc = 1, midi = 2, parameter = 3, beat = 4 };

class Memory {
public:
    // Maps the file; returns nothing if it is missing or has another layout.
    static std::unique_ptr<Memory> open (const std::string& path);
    ~Memory();
    Memory (const Memory&) = delete;
    Memory& operator= (const Memory&) = delete;

    std::uint64_t get (Word word) const noexcept { return at (word).load (std::memory_order_acquire); }
    void set (Word word, std::uint64_t value) noexcept { at (word).store (value, std::memory_order_release); }

    // Real-time safe.
    // True if a server plays at this rate and takes events.
    bool plays (int rate) const noexcept {
        return get (Word::epoch) != 0 && get (Word::eventsPort) != 0
               && get (Word::rate) == static_cast<std::uint64_t> (rate);
    }
    bool addEvent (std::uint64_t position, Kind kind, const void* content, std::size_t size) noexcept;
    bool request (std::uint64_t position, std::uint32_t samples, bool offline) noexcept;
    // The first sample of the epoch that no host has requested yet; another host may have used the server before.
    std::uint64_t next() const noexcept;
    float sample (std::uint64_t position, std::size_t channel) const noexcept;
    std::size_t channels() const noexcept { return numChannels; }

    // For the connection's thread.
    std::string state() const;
    void writeProject (const std::string& text);

private:
    Memory (std::byte* map, std::size_t size);
    std::atomic<std::uint64_t>& at (Word word) const noexcept;
    std::uint64_t* requestAt (std::uint64_t number) const noexcept;
    void writeRing (std::uint64_t begin, const void* content, std::size_t size) noexcept;

    std::byte* map;
    std::size_t size, numChannels;
};

} // namespace soundmorph
