#pragma once

// UTF-8 and the code points that it stands for.

#include <cstdint>
#include <string>
#include <string_view>

namespace saithe {

/// Appends a code point as UTF-8; false if there is no such character.
bool append_utf8(std::uint32_t code, std::string& text);

/// Takes the first code point off a text that is not empty; false unless UTF-8 stands there.
bool take_utf8(std::string_view& text, std::uint32_t& code);

bool is_utf8(std::string_view text);

/// Whether all bytes are below 128.
bool is_ascii(std::string_view text);

}  // namespace saithe
