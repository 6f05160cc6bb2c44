// The parameters, in the order of PARAMETERS in realtime/surfaces/bridge.py, and after `dynamics` the plugin's own.

#pragma once

#include <array>

namespace soundmorph {

struct ParameterRow {
    const char *name, *symbol, *unit;
    float low, high, start;
    bool whole;
    bool moves; // the parameter moves the point, which a project restores anyway
};

enum { dynamics = 10, model, bounce, page, keep, status, numParameters, numSent = model };

constexpr std::array<ParameterRow, numParameters> parameters { {
    { "From", "from", "", 0.0f, 31.0f, 0.0f, true, true },
    { "To", "to", "", 0.0f, 31.0f, 1.0f, true, true },
    { "Position", "position", "", 0.0f, 1.0f, 0.0f, false, true },
    { "Map X", "x", "", 0.0f, 1.0f, 0.5f, false, true },
    { "Map Y", "y", "", 0.0f, 1.0f, 0.5f, false, true },
    { "Macro 1", "macro1", "", -4.0f, 4.0f, 0.0f, false, true },
    { "Macro 2", "macro2", "", -4.0f, 4.0f, 0.0f, false, true },
    { "Macro 3", "macro3", "", -4.0f, 4.0f, 0.0f, false, true },
    { "Macro 4", "macro4", "", -4.0f, 4.0f, 0.0f, false, true },
    { "Gain", "gain", "dB", -60.0f, 24.0f, 0.0f, false, false },
    { "Velocity depth", "dynamics", "", 0.0f, 2.0f, 1.0f, false, false },
    { "Model", "model", "", 0.0f, 2.0f, 0.0f, true, true },
    { "Wait for the server", "wait", "", 0.0f, 1.0f, 0.0f, true, false },
    { "Open the page", "page", "", 0.0f, 1.0f, 0.0f, true, false },
    { "Keep the model in the project", "keep", "", 0.0f, 1.0f, 0.0f, true, false },
    { "Server", "server", "", 0.0f, 3.0f, 0.0f, true, false },
} };

} // namespace soundmorph
