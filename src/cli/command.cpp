#include "command.h"

namespace saithe::cli {
namespace {

// CLI11 calls back inside its parser, where an exception of ours would be taken for a parse error:
// the chosen command is kept and run afterwards.
Run chosen_run;
std::shared_ptr<OptionFlags> chosen_flags;
std::string typed;

}  // namespace

void OptionFlags::add_flag(CLI::App& app, const std::string& name, const std::string& default_text,
                           const std::string& help, bool is_switch, const std::string& group) {
  auto flag = std::make_unique<Flag>();
  if (is_switch) {
    flag->option = app.add_flag_function(
        (name == "quiet" ? "-q,--quiet" : "--" + name) + ",!--no-" + name,
        [text = &flag->text](std::int64_t count) { *text = count > 0 ? "true" : "false"; },
        help + (default_text == "true" ? " [on]" : ""));
  } else {
    flag->option = app.add_option("--" + name, flag->text, help)
                       ->type_name("")
                       ->default_str(default_text.empty() ? "" : default_text);
  }
  flag->option->group(group);
  flags_.emplace(name, std::move(flag));
}

CLI::App* add_subcommand(CLI::App& program, const std::string& name, const std::string& help,
                         const std::shared_ptr<OptionFlags>& flags, Run run) {
  CLI::App* app = program.add_subcommand(name, help);
  flags->add(*app, CommonOptions{}, "Every command");
  app->callback([flags, run = std::move(run)] {
    chosen_flags = flags;
    chosen_run = run;
  });
  return app;
}

int run_chosen(const std::string& command_line) {
  typed = command_line;
  CommonOptions common;
  chosen_flags->apply(common);
  // Asked here, so that a command that computes nothing refuses a device that is not there as well.
  if (common.device != kernels::Device::Auto) {
    static_cast<void>(kernels::make_backend(common.device, Context(/*n_threads=*/1)));
  }
  return chosen_run(common);
}

const std::string& command_line() {
  return typed;
}

}  // namespace saithe::cli
