#include "stream.h"

#include <algorithm>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <utility>

namespace soundmorph {

namespace {

constexpr double fadeSeconds = 0.005, backlogSeconds = 0.25, offlineSeconds = 10.0, pauseSeconds = 0.0001;

double now() noexcept {
    timespec time {};
    ::clock_gettime (CLOCK_MONOTONIC, &time);
    return static_cast<double> (time.tv_sec) + 1e-9 * static_cast<double> (time.tv_nsec);
}

void pause() noexcept {
    const timespec time { 0, static_cast<long> (1e9 * pauseSeconds) };
    ::nanosleep (&time, nullptr);
}

} // namespace

Bridge::Bridge (std::unique_ptr<Memory> mapped)
    : memory (std::move (mapped)), socket (::socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}

Bridge::~Bridge() { ::close (socket); }

void Bridge::wake (Word port) const noexcept {
    sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_port = htons (static_cast<std::uint16_t> (memory->get (port)));
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    const char signal = 1;
    ::sendto (socket, &signal, 1, MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<sockaddr*> (&address), sizeof address);
}

void Stream::prepare (int rate, int block) noexcept {
    hostRate = rate;
    lag = block;
    fade = std::max (1, static_cast<int> (fadeSeconds * rate));
    falling = 0;
    rising = fade;
    last.fill (0.0f);
}

// True if a worker plays at the host's rate; a new worker is continued where its last request ends.
bool Stream::ready() noexcept {
    auto& memory = *bridge->memory;
    if (! memory.plays (hostRate))
        return false;
    if (const auto running = memory.get (Word::epoch); running != epoch) {
        epoch = running;
        start = position = memory.next();
        renewed = true;
        rising = fade; // no fade-in, because a worker begins with silence
    }
    return true;
}

bool Stream::begin (Bridge* now_, bool offline) noexcept {
    if (now_ != bridge) {
        bridge = now_;
        epoch = 0;
    }
    open = bridge != nullptr && ready();
    if (open && ! offline) { // a server that does not answer gets no further requests
        const auto backlog = position - std::min (position, bridge->memory->get (Word::written));
        open = backlog <= static_cast<std::uint64_t> (std::max (2 * lag, static_cast<int> (backlogSeconds * hostRate)));
    }
    if (open)
        eventsBefore = bridge->memory->get (Word::eventsWritten);
    return open;
}

bool Stream::add (int offset, Kind kind, const void* content, std::size_t size) noexcept {
    return open && bridge->memory->addEvent (position + static_cast<std::uint64_t> (offset), kind, content, size);
}

void Stream::finish (float* const* out, int channels, int samples, bool offline) noexcept {
    channels = std::min (channels, static_cast<int> (maxChannels));
    if (! open) {
        fall (out, channels, samples);
        return;
    }
    auto& memory = *bridge->memory;
    if (memory.get (Word::eventsWritten) != eventsBefore)
        bridge->wake (Word::eventsPort);
    if (memory.request (position, static_cast<std::uint32_t> (samples), offline))
        bridge->wake (Word::soundPort);
    const auto from = static_cast<std::int64_t> (position) - lag;
    position += static_cast<std::uint64_t> (samples);
    const auto end = from + samples;
    if (end > static_cast<std::int64_t> (start) && ! due (static_cast<std::uint64_t> (end), offline)) {
        memory.set (Word::missed, memory.get (Word::missed) + 1);
        fall (out, channels, samples);
        return;
    }
    play (out, channels, samples, from);
}

bool Stream::due (std::uint64_t end, bool offline) noexcept {
    auto& memory = *bridge->memory;
    if (offline) {
        const auto limit = now() + offlineSeconds;
        while (memory.get (Word::written) < end && memory.get (Word::epoch) == epoch && now() < limit)
            pause();
    }
    return memory.get (Word::epoch) == epoch && memory.get (Word::written) >= end;
}

void Stream::play (float* const* out, int channels, int samples, std::int64_t from) noexcept {
    const auto& memory = *bridge->memory;
    const auto have = static_cast<int> (memory.channels());
    for (int t = 0; t < samples; ++t) {
        const auto at = from + t;
        const bool sound = at >= static_cast<std::int64_t> (start);
        const float gain = rising < fade ? static_cast<float> (rising++) / static_cast<float> (fade) : 1.0f;
        for (int c = 0; c < channels; ++c)
            out[c][t] = 0.0f;
        for (int c = 0; sound && c < have; ++c) // a pair that the host lacks is added to the main pair
            out[c < channels ? c : c % 2][t] +=
                gain * memory.sample (static_cast<std::uint64_t> (at), static_cast<std::size_t> (c));
    }
    for (int c = 0; samples > 0 && c < channels; ++c)
        last[static_cast<std::size_t> (c)] = out[c][samples - 1];
    falling = fade;
    sounding = true;
}

// A straight line from the last sample to silence.
void Stream::fall (float* const* out, int channels, int samples) noexcept {
    for (int t = 0; t < samples; ++t) {
        falling = std::max (0, falling - 1);
        const float gain = static_cast<float> (falling) / static_cast<float> (fade);
        for (int c = 0; c < channels; ++c)
            out[c][t] = gain * last[static_cast<std::size_t> (c)];
    }
    rising = 0;
    sounding = false;
}

} // namespace soundmorph
