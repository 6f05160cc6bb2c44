// Changes of parameters within a block, which the patched framework reports (framework.patch).

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace soundmorph {

// Notes that a parameter changes to `value` at a frame of the next block. `plugin` is the framework's pointer to
// the plugin. Real-time safe.
void parameterAt (void* plugin, std::uint32_t index, float value, std::int32_t frame) noexcept;

struct Change {
    std::uint32_t index;
    float value;
    int frame;
};

// The changes of one block, sorted by frame. Changes that do not fit take effect at the start of the next block.
class Automation {
public:
    void add (const Change& change) noexcept {
        if (count == changes.size())
            return;
        auto place = count++;
        for (; place > 0 && changes[place - 1].frame > change.frame; --place)
            changes[place] = changes[place - 1];
        changes[place] = change;
    }
    void clear() noexcept { count = 0; }
    bool concerns (std::uint32_t index) const noexcept {
        return std::any_of (begin(), end(), [index] (const Change& each) { return each.index == index; });
    }
    const Change* begin() const noexcept { return changes.data(); }
    const Change* end() const noexcept { return changes.data() + count; }

private:
    std::array<Change, 512> changes {};
    std::size_t count = 0;
};

} // namespace soundmorph
