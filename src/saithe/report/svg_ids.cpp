#include "saithe/report/canvas.h"

#include <array>
#include <map>
#include <string>

#include "saithe/core/error.h"

namespace saithe {

std::string rename_svg_ids(std::string_view svg, std::string_view prefix) {
  // An id is named in id="...", url(#...) and href="#...", nowhere else in what the renderer
  // writes.
  constexpr std::array<std::string_view, 3> kBefore = {" id=\"", "url(#", "href=\"#"};
  std::map<std::string, std::string, std::less<>> names;
  std::string renamed;
  std::size_t done = 0;
  for (std::size_t at = 0; at < svg.size();) {
    std::string_view before;
    for (const std::string_view candidate : kBefore) {
      if (svg.substr(at, candidate.size()) == candidate) before = candidate;
    }
    if (before.empty()) {
      ++at;
      continue;
    }
    const std::size_t begin = at + before.size();
    const std::size_t end = svg.find(before == kBefore[1] ? ')' : '"', begin);
    SAITHE_ASSERT(end != std::string_view::npos);
    const std::string_view id = svg.substr(begin, end - begin);
    const auto known = names.find(id);
    std::string name = known != names.end()
                           ? known->second
                           : std::string(prefix) + "-" + std::to_string(names.size() + 1);
    if (known == names.end()) names.emplace(id, name);
    renamed.append(svg.substr(done, begin - done)).append(name);
    done = at = end;
  }
  renamed.append(svg.substr(done));
  return renamed;
}

}  // namespace saithe
