// What a picture of a guest's screen shows, as far as colours and a text recogniser's guesses can tell. It
// explains and confirms: a guest does not fail by its picture alone. Pure: pixels and text in.
//
// Colours: dark blue is Windows 7 and older, lighter blue 8 to 11, green an Insider build, black 11 from 24H2
// on, which only its text tells from an empty screen. Sources and shares: what was measured on recorded
// pictures of other projects; no picture of a real Windows was made here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "labctl/crash/crash.h"

namespace labctl::crash {

struct Picture {
  unsigned width = 0, height = 0;
  std::string rgb;  // three bytes a pixel, rows from the top
};

enum class Look {
  ordinary,      // nothing to see, or nobody could say
  stop_colour,   // one of the colours that a stop is painted in, almost everywhere
  one_colour,    // something on any other colour: drivers and settings change the blue
  text_on_dark,  // little bright text on black: a stop of 24H2, a recovery screen, or a console
};
Look look_at(const Picture& picture);

// Text as a recogniser read it, with its usual mistakes. A finding when it has a heading of a stop or of a
// recovery screen; the name of the stop is the nearest that exists, and no number is trusted.
std::optional<Finding> read_screen_text(std::string_view text);

}  // namespace labctl::crash
