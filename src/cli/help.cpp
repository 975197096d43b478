#include "help.h"

#include <fmt/format.h>

#include <algorithm>

namespace saithe::cli {
namespace {

/// The command that was being parsed; the program itself where there is none.
const CLI::App& chosen_app(const CLI::App& program) {
  const auto chosen = program.get_subcommands();
  return chosen.empty() ? program : *chosen.front();
}

std::string positional_names(const CLI::App& app) {
  std::string names;
  for (const CLI::Option* option :
       app.get_options([](const CLI::Option* candidate) { return candidate->get_positional(); })) {
    names += (names.empty() ? "" : " ") + option->get_name(true, false);
  }
  return names;
}

}  // namespace

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  std::string text = Formatter::make_help(app, std::move(name), mode);
  for (auto at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n", at)) {
    text.erase(at, 1);
  }
  return text;
}

std::string HelpFormatter::make_option_name(const CLI::Option* option, bool is_positional) const {
  std::string name = Formatter::make_option_name(option, is_positional);
  const auto negated = name.find(",--no-");
  if (negated == std::string::npos || is_positional) return name;
  name.erase(name.find('{', negated));
  if (option->get_default_str() != "true") name.erase(negated);
  return name;
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_positional()) return option->get_required() ? " (required)" : "";
  std::string text;
  const bool is_switch = option->get_type_size() == 0 || !option->get_fnames().empty();
  if (is_switch) return text;
  if (!option->get_default_str().empty()) return "=" + option->get_default_str();
  if (!option->get_type_name().empty()) text += " " + option->get_type_name();
  return text + (option->get_required() ? " (required)" : "");
}

std::string unknown_command(const CLI::App& program, int argc, const char* const* argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first.empty() || first.starts_with('-')) return {};
  std::string names;
  for (const CLI::App* command : program.get_subcommands(nullptr)) {
    if (command->get_name() == first) return {};
    names += (names.empty() ? "" : ", ") + command->get_name();
  }
  return fmt::format("no command '{}'; the commands are {}", first, names);
}

std::string usage_message(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App& app = chosen_app(program);
  const bool is_program = &app == &program;
  const std::string call = is_program ? "saithe" : "saithe " + app.get_name();
  const std::vector<std::string> unused = app.remaining();
  const auto unknown = std::ranges::find_if(
      unused, [](const std::string& text) { return text.starts_with('-') && text.size() > 1; });
  std::string what = error.what();
  // The parser's "--hidden: At Most 1 required but received 2".
  if (const auto at = what.find(": At Most 1 required"); at != std::string::npos) {
    what = what.substr(0, at) + " was given more than once";
  }
  if (unknown != unused.end()) {
    what = fmt::format("{} has no option '{}'", call, *unknown);
  } else if (!unused.empty()) {
    const std::string names = positional_names(app);
    what = fmt::format("'{}' is one argument too many: {} takes {}", unused.front(), call,
                       names.empty() ? "options only" : names);
  }
  return fmt::format("{} ({} --help shows what there is)", what, call);
}

}  // namespace saithe::cli
