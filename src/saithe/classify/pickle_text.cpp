#include "saithe/classify/pickle_text.h"

#include "saithe/core/utf8.h"

namespace saithe {

bool decode_raw_unicode_escape(std::string_view line, std::string& text) {
  for (std::size_t at = 0; at < line.size();) {
    const auto byte = static_cast<unsigned char>(line[at]);
    const bool is_escape =
        byte == '\\' && at + 1 < line.size() && (line[at + 1] == 'u' || line[at + 1] == 'U');
    if (!is_escape) {
      append_utf8(byte, text);
      ++at;
      continue;
    }
    const std::size_t n_digits = line[at + 1] == 'u' ? 4 : 8;
    if (line.size() - at - 2 < n_digits) return false;
    std::uint32_t code = 0;
    for (const char digit : line.substr(at + 2, n_digits)) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto value = kDigits.find(digit);
      if (value == std::string_view::npos) return false;
      code = code << 4 | static_cast<std::uint32_t>(value);
    }
    if (!append_utf8(code, text)) return false;
    at += 2 + n_digits;
  }
  return true;
}

}  // namespace saithe
