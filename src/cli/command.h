#pragma once

// How a subcommand meets the command line: options declared once by describe() become flags, and
// what was given explicitly is laid over a preset.

#include <CLI/CLI.hpp>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>

#include "saithe/core/option_text.h"
#include "saithe/kernels/backend.h"

namespace saithe::cli {

/// Options of every command.
struct CommonOptions {
  int threads = 0;
  std::uint64_t seed = 0;
  bool quiet = false;
  bool overwrite = false;
  std::string device = "auto";
  std::string memory = "2G";

  template <typename Visitor>
  static void describe(Visitor& visit, CommonOptions& options) {
    visit("threads", options.threads, "threads to use (0: as many as there are)");
    visit("seed", options.seed, "seed of everything random");
    visit("device", options.device, "where to compute (auto, cpu, cuda, cuda:N)");
    visit("memory", options.memory,
          "memory for the values of cells (500M, 2G, ...); what is more lies in a temporary file, "
          "and results do not depend on it");
    visit("overwrite", options.overwrite, "replace existing outputs");
    visit("quiet", options.quiet, "say nothing but warnings and errors");
  }
};

/// Flags for describe()-d options. One binder serves one subcommand.
class OptionFlags {
 public:
  /// Adds a flag for every option; help shows the values of `defaults`.
  template <typename Options>
  void add(CLI::App& app, const Options& defaults, const std::string& group) {
    Options copy = defaults;
    auto visit = [&](const char* name, const auto& value, const char* help) {
      using Value = std::decay_t<decltype(value)>;
      std::string text = help;
      if constexpr (std::is_enum_v<Value>) text += " (" + enum_texts<Value>() + ")";
      if constexpr (IsOptionList<Value>::value) text += " (joined by commas)";
      add_flag(app, name, option_text(value), text, std::is_same_v<Value, bool>, group);
    };
    Options::describe(visit, copy);
  }
  /// Lays what the command line gave over `options`. Throws Error(InvalidArgument).
  template <typename Options>
  void apply(Options& options) const {
    auto visit = [&](const char* name, auto& value, const char*) {
      const auto found = flags_.find(name);
      if (found == flags_.end() || found->second->option->count() == 0) return;
      if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
        require_text(name, found->second->text);
      }
      set_option(found->second->text, name, value);
    };
    Options::describe(visit, options);
  }
  [[nodiscard]] bool is_given(const std::string& name) const {
    const auto found = flags_.find(name);
    return found != flags_.end() && found->second->option->count() > 0;
  }
  /// Whether it was given, and not to switch something off.
  [[nodiscard]] bool is_asked_for(const std::string& name) const;

  // What the user asked for in vain is refused; defaults and the values of a preset never are, nor
  // is switching off what is off. All throw Error(InvalidArgument).

  /// By what needs() says of the resolved options.
  template <typename Options>
  void require_effect(const Options& resolved) const {
    const auto need = [&](std::initializer_list<const char*> names, bool holds, const char* why) {
      if (!holds) refuse(names, why);
    };
    Options::needs(need, resolved);
  }
  /// "--NAME has no effect WHY", of the first of the names that was asked for.
  void refuse(std::initializer_list<const char*> names, const std::string& why) const;
  /// The same of all options of a struct.
  template <typename Options>
  void refuse_all_of(const std::string& why) const {
    Options options;
    auto visit = [&](const char* name, const auto&, const char*) { refuse({name}, why); };
    Options::describe(visit, options);
  }
  /// A switch that was given both ways, of which one would count silently.
  void refuse_opposites() const;

 private:
  struct Flag {
    std::string text;
    CLI::Option* option = nullptr;
    bool is_switch = false;
  };
  void add_flag(CLI::App& app, const std::string& name, const std::string& default_text,
                const std::string& help, bool is_switch, const std::string& group);
  /// Throws Error(InvalidArgument) if what was given for an option is empty: mostly a variable of
  /// the shell that is not set, which must not become "as if it were not there".
  static void require_text(const std::string& name, const std::string& text);

  std::map<std::string, std::unique_ptr<Flag>> flags_;  // unique_ptr: CLI11 keeps addresses
};

/// A subcommand as its help tells it.
struct CommandWords {
  const char* name;
  const char* help;
  const char* example;  ///< a line that does something useful
};

/// Adds a subcommand; `run` is called when it was chosen and its exit code stored.
using Run = std::function<int(const CommonOptions& common)>;
CLI::App* add_subcommand(CLI::App& program, const CommandWords& words,
                         const std::shared_ptr<OptionFlags>& flags, Run run);

/// Runs the chosen subcommand. `command_line` is what the user typed, for run.json.
int run_chosen(const std::string& command_line);
/// What the user typed.
const std::string& command_line();

// One per file.
void add_walkthrough(CLI::App& program);
void add_train(CLI::App& program);
void add_predict(CLI::App& program);
void add_evaluate(CLI::App& program);
void add_embed(CLI::App& program);
void add_import_celltypist(CLI::App& program);
void add_explain(CLI::App& program);
void add_inspect(CLI::App& program);
void add_simulate(CLI::App& program);
void add_convert(CLI::App& program);

}  // namespace saithe::cli
