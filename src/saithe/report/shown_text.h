#pragma once

// Names from files made fit to be shown: valid UTF-8 without control or direction marks, so that no
// name can break a page, hide its neighbours or turn them around.

#include <string>
#include <string_view>

namespace saithe {

/// `text` as valid UTF-8: bytes that are none, control characters, line and paragraph separators
/// and marks that change the direction of text become U+FFFD.
std::string shown_text(std::string_view text);

/// shown_text() with & < > " ' as entities: safe in HTML, between tags and in quoted attributes.
std::string escape_html(std::string_view text);

/// The number of bytes of the UTF-8 character that starts at `text[0]`; 0 if none starts there.
std::size_t utf8_length(std::string_view text);

/// 12345 as "12,345".
std::string format_count(long long count);

}  // namespace saithe
