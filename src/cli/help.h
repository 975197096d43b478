#pragma once

// How the help of a command reads, and what is said of a command line that cannot be understood.

#include <CLI/CLI.hpp>
#include <string>

namespace saithe::cli {

/// Help without the marks of the parser: no types of positional arguments, and the negated form of
/// a switch only where it is on by default.
class HelpFormatter : public CLI::Formatter {
 public:
  [[nodiscard]] std::string make_help(const CLI::App* app, std::string name,
                                      CLI::AppFormatMode mode) const override;
  [[nodiscard]] std::string make_option_name(const CLI::Option* option,
                                             bool is_positional) const override;
  [[nodiscard]] std::string make_option_opts(const CLI::Option* option) const override;
};

/// "no command 'trian'; the commands are ...", or empty where the first argument is a command or an
/// option of the program.
std::string unknown_command(const CLI::App& program, int argc, const char* const* argv);

/// What is wrong with a command line, the unknown option first, and where the help is.
std::string usage_message(const CLI::App& program, const CLI::ParseError& error);

}  // namespace saithe::cli
