// The plugin as the framework sees it: MIDI, parameters and transport in, blocks out.

#include "DistrhoPlugin.hpp"
#include "automation.h"
#include "extra/Base64.hpp"
#include "link.h"
#include "parameters.h"

#include <algorithm>
#include <cmath>
#include <cstring>

START_NAMESPACE_DISTRHO

using namespace soundmorph;

namespace {

constexpr int numOuts = DISTRHO_PLUGIN_NUM_OUTPUTS / 2 - 1; // pairs after the main one
constexpr double offlineStartSeconds = 60.0, beatSeconds = 0.5;
constexpr char startSteps[] = "/morph/seq/start\0\0\0\0,\0\0"; // messages with their padding, the last 0 is implied
constexpr char stopSteps[] = "/morph/seq/stop\0,\0\0";
constexpr char drums[] = "/morph/model\0\0\0\0,s\0\0drums\0\0";
constexpr char digits[] = "/morph/model\0\0\0\0,s\0\0digits\0";
static_assert (sizeof startSteps == 24 && sizeof stopSteps == 20 && sizeof drums == 28 && sizeof digits == 28, "OSC");

} // namespace

class SoundmorphPlugin : public Plugin {
public:
    SoundmorphPlugin() : Plugin (numParameters, 0, 2), link (numOuts) {
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = parameters[i].start;
        prepare (false);
    }

    void changeAt (uint32_t index, float value, int frame) noexcept {
        if (index < numSent)
            changes.add ({ index, parameters[index].whole ? std::round (value) : value, frame });
    }

protected:
    const char* getLabel() const override { return DISTRHO_PLUGIN_NAME; }
    const char* getDescription() const override { return "Play the space between sounds, on a server beside the host"; }
    const char* getMaker() const override { return "soundmorph"; }
    const char* getLicense() const override { return "MIT"; }
    uint32_t getVersion() const override { return d_version (0, 3, 0); }
    int64_t getUniqueId() const override { return d_cconst ('s', 'M', 'r', numOuts == 0 ? 'f' : 'o'); }

    // The first pair is the main one; each other pair is named by the number of its class.
    void initAudioPort (bool input, uint32_t index, AudioPort& port) override {
        Plugin::initAudioPort (input, index, port);
        port.groupId = index < 2 ? static_cast<uint32_t> (kPortGroupStereo) : index / 2 - 1;
        if (index >= 2)
            port.name = outName (index / 2 - 1) + (index % 2 == 0 ? " left" : " right");
    }

    void initPortGroup (uint32_t group, PortGroup& names) override {
        names.name = outName (group);
        names.symbol = "class_" + String (group + 1);
    }

    void initParameter (uint32_t index, Parameter& parameter) override {
        const auto& row = parameters[index];
        parameter.hints = kParameterIsAutomatable | (row.whole ? kParameterIsInteger : 0u);
        if (index == bounce || index == page || index == keep)
            parameter.hints = kParameterIsBoolean | kParameterIsInteger;
        if (index == status)
            parameter.hints = kParameterIsOutput | kParameterIsInteger;
        parameter.name = row.name;
        parameter.symbol = row.symbol;
        parameter.unit = row.unit;
        parameter.ranges = ParameterRanges (row.start, row.low, row.high);
        if (index == model)
            name (parameter, { "drums", "digits", "another" });
        if (index == status)
            name (parameter, { "not there", "starting", "plays", "plays, with faults" });
    }

    void initState (uint32_t index, State& state) override {
        state.key = index == 0 ? "model" : "project";
        state.defaultValue = "";
        state.label = index == 0 ? "Model" : "Project";
        state.hints = kStateIsOnlyForDSP;
    }

    float getParameterValue (uint32_t index) const override {
        return index == status ? static_cast<float> (link.status()) : values[index];
    }

    void setParameterValue (uint32_t index, float value) override {
        if (index == page && value > 0.5f && values[page] <= 0.5f)
            link.openPage();
        values[index] = value;
    }

    String getState (const char* key) const override {
        if (std::strcmp (key, "project") == 0)
            return String (link.project().c_str());
        if (std::strcmp (key, "model") != 0 || values[keep] < 0.5f)
            return String();
        const auto file = link.model();
        return file.empty() ? String() : String::asBase64 (file.data(), file.size());
    }

    void setState (const char* key, const char* value) override {
        if (std::strcmp (key, "offline") == 0) // a key of the patched framework (framework.patch)
            offline = value[0] == '1';
        else if (std::strcmp (key, "project") == 0)
            link.setProject (value);
        else if (std::strcmp (key, "model") == 0)
            link.setModel (d_getChunkFromBase64String (value));
    }

    void activate() override { prepare (true); }
    void deactivate() override { link.rest(); }
    void bufferSizeChanged (uint32_t) override { prepare (false); }
    void sampleRateChanged (double) override { prepare (false); }

    void run (const float**, float** outputs, uint32_t samples, const MidiEvent* events, uint32_t count) override {
        const bool waits = offline || values[bounce] > 0.5f;
        if (waits)
            link.wait (offlineStartSeconds);
        const Link::Use use (link);
        if (stream.begin (use.bridge(), waits)) {
            if (stream.isNew())
                renew();
            sendParameters();
            sendTransport (samples);
            sendEvents (events, count, static_cast<int> (samples));
        }
        changes.clear();
        stream.finish (outputs, DISTRHO_PLUGIN_NUM_OUTPUTS, static_cast<int> (samples), waits);
    }

private:
    static String outName (uint32_t number) { return "Class " + String (number + 1); }

    static void name (Parameter& parameter, std::initializer_list<const char*> names) {
        auto* const found = new ParameterEnumerationValue[names.size()];
        uint8_t count = 0;
        for (const char* each : names) {
            found[count].value = count;
            found[count].label = each;
            ++count;
        }
        parameter.enumValues.count = count;
        parameter.enumValues.restrictedMode = true;
        parameter.enumValues.values = found;
    }

    void prepare (bool plays) {
        const auto rate = static_cast<int> (getSampleRate());
        const auto block = static_cast<int> (getBufferSize());
        stream.prepare (rate, block);
        setLatency (static_cast<uint32_t> (block));
        if (plays)
            link.prepare (rate, block);
    }

    // A new server has the point of the project, so only parameters that do not move the point are sent.
    void renew() noexcept {
        for (std::size_t i = 0; i < sent.size(); ++i)
            sent[i] = parameters[i].moves ? values[i] : parameters[i].low - 1.0f;
        sinceBeat = -1;
        wasPlaying = false;
    }

    void sendParameters() noexcept {
        for (std::uint32_t i = 0; i < numSent; ++i) {
            if (sent[i] != values[i] && ! changes.concerns (i))
                send ({ i, values[i], 0 });
        }
        if (sent[model] != values[model]) {
            const int wanted = static_cast<int> (values[model] + 0.5f);
            if (wanted >= 2 || stream.add (0, Kind::osc, wanted == 0 ? drums : digits, sizeof drums))
                sent[model] = values[model];
        }
    }

    void send (const Change& change) noexcept {
        char content[8];
        std::memcpy (content, &change.index, 4);
        std::memcpy (content + 4, &change.value, 4);
        if (stream.add (change.frame, Kind::parameter, content, sizeof content))
            sent[change.index] = values[change.index] = change.value;
    }

    // MIDI and changes of parameters, in the order of their frames.
    void sendEvents (const MidiEvent* events, uint32_t count, int samples) noexcept {
        const auto* change = changes.begin();
        for (uint32_t i = 0; i <= count; ++i) {
            const int frame = i < count ? static_cast<int> (events[i].frame) : samples;
            for (; change != changes.end() && (i == count || change->frame <= frame); ++change)
                send ({ change->index, change->value, std::clamp (change->frame, 0, samples - 1) });
            if (i < count && events[i].size <= MidiEvent::kDataSize)
                stream.add (frame, Kind::midi, events[i].data, events[i].size);
        }
    }

    void sendTransport (uint32_t samples) noexcept {
        const TimePosition& time = getTimePosition();
        if (time.playing && time.bbt.valid && (sinceBeat < 0 || sinceBeat > beatSeconds * getSampleRate())) {
            const double perBar = time.bbt.beatsPerBar;
            const double beat[2] = { (time.bbt.bar - 1) * perBar + (time.bbt.beat - 1) + time.bbt.tick / time.bbt.ticksPerBeat,
                                     time.bbt.beatsPerMinute };
            stream.add (0, Kind::beat, beat, sizeof beat);
            sinceBeat = 0;
        }
        if (time.playing != wasPlaying) {
            wasPlaying = time.playing;
            if (wasPlaying)
                stream.add (0, Kind::osc, startSteps, sizeof startSteps);
            else
                stream.add (0, Kind::osc, stopSteps, sizeof stopSteps);
        }
        sinceBeat = time.playing ? sinceBeat + samples : -1;
    }

    mutable Link link;
    Stream stream;
    Automation changes;
    std::array<float, numParameters> values {};
    std::array<float, model + 1> sent {};
    std::atomic<bool> offline { false };
    double sinceBeat = -1;
    bool wasPlaying = false;

    DISTRHO_DECLARE_NON_COPYABLE_WITH_LEAK_DETECTOR (SoundmorphPlugin)
};

Plugin* createPlugin() { return new SoundmorphPlugin(); }

END_NAMESPACE_DISTRHO

void soundmorph::parameterAt (void* plugin, std::uint32_t index, float value, std::int32_t frame) noexcept {
    using namespace DISTRHO_NAMESPACE;
    static_cast<SoundmorphPlugin*> (static_cast<Plugin*> (plugin))->changeAt (index, value, frame);
}
