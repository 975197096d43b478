#include "command.h"

#include <algorithm>

namespace saithe::cli {
namespace {

// CLI11 calls back inside its parser, where an exception of ours would be taken for a parse error:
// the chosen command is kept and run afterwards.
Run chosen_run;
std::shared_ptr<OptionFlags> chosen_flags;
std::string typed;

/// What stands behind an option that has no default to show.
std::string value_name(const std::string& option) {
  if (option.ends_with("-key") || option == "majority-vote") return "COLUMN";
  if (option.ends_with("-table") || option.starts_with("ontology") || option == "probabilities") {
    return "FILE";
  }
  if (option.ends_with("-genes") || option.starts_with("labels-")) return "NAMES";
  return "NAME";
}

}  // namespace

void OptionFlags::add_flag(CLI::App& app, const std::string& name, const std::string& default_text,
                           const std::string& help, bool is_switch, const std::string& group) {
  auto flag = std::make_unique<Flag>();
  flag->is_switch = is_switch;
  if (is_switch) {
    flag->option = app.add_flag_function(
        (name == "quiet" ? "-q,--quiet" : "--" + name) + ",!--no-" + name,
        [text = &flag->text](std::int64_t count) { *text = count > 0 ? "true" : "false"; },
        help + (default_text == "true" ? " (default: on)" : ""));
    flag->option->default_str(default_text);  // tells the help which form to show
  } else {
    flag->option = app.add_option("--" + name, flag->text, help)
                       ->type_name(value_name(name))
                       ->default_str(default_text);
  }
  flag->option->group(group);
  flags_.emplace(name, std::move(flag));
}

void OptionFlags::require_text(const std::string& name, const std::string& text) {
  if (!text.empty()) return;
  fail(ErrorKind::InvalidArgument, "--{}: is empty; name something, or leave the option out", name);
}

bool OptionFlags::is_asked_for(const std::string& name) const {
  if (!is_given(name)) return false;
  const Flag& flag = *flags_.at(name);
  return !flag.is_switch || flag.text == "true";
}

void OptionFlags::refuse(std::initializer_list<const char*> names, const std::string& why) const {
  for (const char* name : names) {
    if (!is_asked_for(name)) continue;
    fail(ErrorKind::InvalidArgument, "--{} has no effect {}", name, why);
  }
}

void OptionFlags::refuse_opposites() const {
  for (const auto& [name, flag] : flags_) {
    if (!flag->is_switch || flag->option->count() < 2) continue;
    const std::vector<std::string>& given = flag->option->results();
    if (std::ranges::adjacent_find(given, std::not_equal_to<>()) == given.end()) continue;
    fail(ErrorKind::InvalidArgument, "--{} and --no-{} were both given; give one of them", name,
         name);
  }
}

CLI::App* add_subcommand(CLI::App& program, const CommandWords& words,
                         const std::shared_ptr<OptionFlags>& flags, Run run) {
  CLI::App* app = program.add_subcommand(words.name, words.help);
  app->group("Commands")->footer(std::string("Example: ") + words.example);
  flags->add(*app, CommonOptions{}, "Common");
  app->callback([flags, run = std::move(run)] {
    chosen_flags = flags;
    chosen_run = run;
  });
  return app;
}

int run_chosen(const std::string& command_line) {
  typed = command_line;
  CommonOptions common;
  chosen_flags->refuse_opposites();
  chosen_flags->apply(common);
  // Asked here, so that a command that computes nothing refuses a device that is not there as well.
  const kernels::Device device = kernels::parse_device(common.device);
  if (device != kernels::Device::Auto) {
    static_cast<void>(kernels::make_backend(device, Context(/*n_threads=*/1)));
  }
  return chosen_run(common);
}

const std::string& command_line() {
  return typed;
}

}  // namespace saithe::cli
