// The audio thread's part: requests blocks, outputs those that have arrived, and fades where a block is missing.

#pragma once

#include "memory.h"

#include <array>
#include <cstdint>
#include <utility>

namespace soundmorph {

// A mapped bridge, and the socket that wakes its server.
struct Bridge {
    explicit Bridge (std::unique_ptr<Memory> mapped);
    ~Bridge();
    Bridge (const Bridge&) = delete;
    Bridge& operator= (const Bridge&) = delete;
    void wake (Word port) const noexcept; // never blocks

    const std::unique_ptr<Memory> memory;

private:
    int socket;
};

class Stream {
public:
    static constexpr std::size_t maxChannels = 34;

    // rate in Hz; block: largest block of the host, which is the latency.
    void prepare (int rate, int block) noexcept;

    // Begins a block; returns true if events may be added, with `add`. `bridge` may be null.
    bool begin (Bridge* bridge, bool offline) noexcept;
    bool add (int offset, Kind kind, const void* content, std::size_t size) noexcept;
    // Requests the block, and fills `out` [channels][samples] with the block that is due.
    void finish (float* const* out, int channels, int samples, bool offline) noexcept;
    // True once after the count of samples has restarted.
    bool isNew() noexcept { return std::exchange (renewed, false); }
    bool sounds() const noexcept { return sounding; }

private:
    bool ready() noexcept;
    bool due (std::uint64_t end, bool offline) noexcept;
    void play (float* const* out, int channels, int samples, std::int64_t from) noexcept;
    void fall (float* const* out, int channels, int samples) noexcept;

    Bridge* bridge = nullptr;
    std::uint64_t epoch = 0, start = 0, position = 0;
    std::uint64_t eventsBefore = 0;
    int hostRate = 48000, lag = 512, fade = 240;
    int falling = 0;  // samples of the fade that are left
    int rising = 0;   // samples since the sound has come back, up to `fade`
    bool sounding = false, renewed = false, open = false;
    std::array<float, maxChannels> last {};
};

} // namespace soundmorph
