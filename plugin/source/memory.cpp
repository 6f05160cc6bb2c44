#include "memory.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace soundmorph {

namespace {

constexpr std::uint64_t version = 1;
constexpr std::size_t headerBytes = 4096, requests = 1024, requestWords = 4, eventBytes = 1 << 18,
                      stateBytes = 1 << 20, samples = 1 << 15;
constexpr std::size_t requestsAt = headerBytes, eventsAt = requestsAt + 8 * requests * requestWords,
                      stateAt = eventsAt + eventBytes, projectAt = stateAt + stateBytes,
                      soundAt = projectAt + stateBytes;
constexpr std::uint64_t offlineFlag = std::uint64_t (1) << 32;

std::uint64_t magic() noexcept {
    std::uint64_t word = 0;
    std::memcpy (&word, "smbridge", sizeof word);
    return word;
}

} // namespace

std::unique_ptr<Memory> Memory::open (const std::string& path) {
    const int file = ::open (path.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0)
        return {};
    struct stat found {};
    void* map = MAP_FAILED;
    if (::fstat (file, &found) == 0 && found.st_size > static_cast<off_t> (soundAt))
        map = ::mmap (nullptr, static_cast<std::size_t> (found.st_size), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_POPULATE, file, 0); // no page fault on the audio thread
    ::close (file);
    if (map == MAP_FAILED)
        return {};
    std::unique_ptr<Memory> memory (
        new Memory (static_cast<std::byte*> (map), static_cast<std::size_t> (found.st_size)));
    const auto channels = memory->get (Word::channels);
    const bool fits = memory->get (Word::magic) == magic() && memory->get (Word::version) == version
                      && channels >= 1 && soundAt + 4 * samples * channels <= memory->size;
    if (! fits)
        return {};
    memory->numChannels = channels;
    return memory;
}

Memory::Memory (std::byte* mapped, std::size_t bytes) : map (mapped), size (bytes), numChannels (0) {}

Memory::~Memory() { ::munmap (map, size); }

std::atomic<std::uint64_t>& Memory::at (Word word) const noexcept {
    static_assert (sizeof (std::atomic<std::uint64_t>) == 8 && std::atomic<std::uint64_t>::is_always_lock_free);
    return reinterpret_cast<std::atomic<std::uint64_t>*> (map)[static_cast<std::size_t> (word)];
}

std::uint64_t* Memory::requestAt (std::uint64_t number) const noexcept {
    return reinterpret_cast<std::uint64_t*> (map + requestsAt) + number % requests * requestWords;
}

void Memory::writeRing (std::uint64_t begin, const void* content, std::size_t bytes) noexcept {
    const auto offset = static_cast<std::size_t> (begin % eventBytes);
    const auto first = std::min (bytes, eventBytes - offset);
    std::memcpy (map + eventsAt + offset, content, first);
    std::memcpy (map + eventsAt, static_cast<const std::byte*> (content) + first, bytes - first);
}

bool Memory::addEvent (std::uint64_t position, Kind kind, const void* content, std::size_t bytes) noexcept {
    const std::uint64_t head[4] = { position, get (Word::epoch), static_cast<std::uint64_t> (kind), bytes };
    const auto begin = get (Word::eventsWritten), total = sizeof head + (bytes + 7) / 8 * 8;
    if (begin + total - get (Word::eventsRead) > eventBytes)
        return false;
    writeRing (begin, head, sizeof head);
    writeRing (begin + sizeof head, content, bytes);
    set (Word::eventsWritten, begin + total);
    return true;
}

bool Memory::request (std::uint64_t position, std::uint32_t count, bool offline) noexcept {
    const auto number = get (Word::requestsWritten);
    if (number - get (Word::requestsRead) >= requests)
        return false;
    auto* place = requestAt (number);
    place[0] = position;
    place[1] = count | (offline ? offlineFlag : 0);
    place[2] = get (Word::eventsWritten);
    place[3] = get (Word::epoch);
    set (Word::requestsWritten, number + 1);
    return true;
}

std::uint64_t Memory::next() const noexcept {
    const auto number = get (Word::requestsWritten);
    const auto* last = number > 0 ? requestAt (number - 1) : nullptr;
    if (last == nullptr || last[3] != get (Word::epoch))
        return get (Word::start);
    return last[0] + last[1] % offlineFlag;
}

float Memory::sample (std::uint64_t position, std::size_t channel) const noexcept {
    const auto* sound = reinterpret_cast<const float*> (map + soundAt);
    return sound[position % samples * numChannels + channel];
}

std::string Memory::state() const {
    for (int attempt = 0; attempt < 100; ++attempt) {
        const auto writes = get (Word::stateWrites);
        const auto bytes = std::min<std::uint64_t> (get (Word::stateBytes), stateBytes);
        std::string text (reinterpret_cast<const char*> (map + stateAt), bytes);
        std::atomic_thread_fence (std::memory_order_acquire); // the text is read before the word is read again
        if (writes % 2 == 0 && writes == get (Word::stateWrites))
            return text;
        ::usleep (1000);
    }
    return {};
}

void Memory::writeProject (const std::string& text) {
    if (text.size() > stateBytes)
        return;
    std::memcpy (map + projectAt, text.data(), text.size());
    set (Word::projectBytes, text.size());
    set (Word::projectWrites, get (Word::projectWrites) + 1);
}

} // namespace soundmorph
