#pragma once

// Where writing to a name leads: an output that is a link is written through.

#include <filesystem>

namespace saithe {

/// What a link names in the end, through further links, whether or not anything is there yet;
/// absolute. What is no link stays as it is, and so do links that name one another in a circle.
std::filesystem::path end_of_links(const std::filesystem::path& path);

/// The same for an output. Throws Error(Output) on a circle.
std::filesystem::path place_of_output(const std::filesystem::path& path);

}  // namespace saithe
