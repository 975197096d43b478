#pragma once

// The texts of Python files: protocol 0's escapes. Private to classify.

#include <string>
#include <string_view>

namespace saithe {

/// Python's raw-unicode-escape: Latin-1 with \uXXXX and \UXXXXXXXX; false on a broken escape.
bool decode_raw_unicode_escape(std::string_view line, std::string& text);

}  // namespace saithe
