// Settings of the plugin for the framework (DPF, Debian's dpf-source).

#pragma once

#define DISTRHO_PLUGIN_BRAND "soundmorph"
#ifdef SOUNDMORPH_OUTS // number of classes with outs of their own
#define DISTRHO_PLUGIN_NAME "soundmorph outs"
#define DISTRHO_PLUGIN_URI "urn:soundmorph:plugin:outs"
#define DISTRHO_PLUGIN_CLAP_ID "soundmorph.plugin.outs"
#define DISTRHO_PLUGIN_NUM_OUTPUTS (2 + 2 * SOUNDMORPH_OUTS)
#else
#define DISTRHO_PLUGIN_NAME "soundmorph"
#define DISTRHO_PLUGIN_URI "urn:soundmorph:plugin"
#define DISTRHO_PLUGIN_CLAP_ID "soundmorph.plugin"
#define DISTRHO_PLUGIN_NUM_OUTPUTS 2
#endif
#define DISTRHO_PLUGIN_HAS_UI 0
#define DISTRHO_PLUGIN_IS_RT_SAFE 1
#define DISTRHO_PLUGIN_IS_SYNTH 1
#define DISTRHO_PLUGIN_NUM_INPUTS 0
#define DISTRHO_PLUGIN_WANT_FULL_STATE 1
#define DISTRHO_PLUGIN_WANT_LATENCY 1
#define DISTRHO_PLUGIN_WANT_MIDI_INPUT 1
#define DISTRHO_PLUGIN_WANT_STATE 1
#define DISTRHO_PLUGIN_WANT_TIMEPOS 1
#define DISTRHO_PLUGIN_LV2_CATEGORY "lv2:InstrumentPlugin"
#define DISTRHO_PLUGIN_VST3_CATEGORIES "Instrument|Drum"
#define DISTRHO_PLUGIN_CLAP_FEATURES "instrument", "drum", "stereo"
