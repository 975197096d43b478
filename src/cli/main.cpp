// The program `saithe`: a table of commands; errors become one line on stderr and an exit code.

#include <sys/resource.h>

#include <cstdio>
#include <iostream>
#include <new>

#include "command.h"
#include "help.h"
#include "saithe/core/error.h"
#include "saithe/core/freed_memory.h"
#include "saithe/core/text_io.h"
#include "session.h"

namespace {

using saithe::ErrorKind;

/// The one table of exit codes.
int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Output:
    case ErrorKind::Numerical:
      return 1;
    case ErrorKind::InvalidArgument:
      return 2;
    case ErrorKind::NotFound:
    case ErrorKind::BadFormat:
      return 3;
    case ErrorKind::Incompatible:
      return 4;
    case ErrorKind::Device:
      return 5;
    case ErrorKind::Cancelled:
      return saithe::cli::cancelled_exit_code();
    case ErrorKind::Internal:
      return 70;
  }
  return 70;
}

int fail_with(const std::string& message, int code) {
  std::fputs(("saithe: error: " + saithe::printable(message) + "\n").c_str(), stderr);
  return code;
}

/// A reference may be of hundreds of files, which all are open at once: 1024 is all that most
/// shells allow, and a program may ask for more.
void allow_many_files() {
  rlimit limits = {};
  if (getrlimit(RLIMIT_NOFILE, &limits) != 0) return;
  limits.rlim_cur = limits.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limits);
}

}  // namespace

int main(int argc, char** argv) {
  saithe::keep_freed_memory();
  allow_many_files();
  CLI::App program("saithe: cell types of single cells from their gene counts", "saithe");
  program.set_version_flag("--version", SAITHE_VERSION, "Print the version and exit");
  program.require_subcommand(1);
  program.formatter(std::make_shared<saithe::cli::HelpFormatter>());
  program.get_formatter()->column_width(34);
  program.get_formatter()->label("SUBCOMMAND", "COMMAND");
  saithe::cli::add_walkthrough(program);
  saithe::cli::add_train(program);
  saithe::cli::add_predict(program);
  saithe::cli::add_evaluate(program);
  saithe::cli::add_embed(program);
  saithe::cli::add_import_celltypist(program);
  saithe::cli::add_explain(program);
  saithe::cli::add_inspect(program);
  saithe::cli::add_convert(program);
  saithe::cli::add_simulate(program);
  if (argc < 2) {  // nothing was asked for: an error to a script, to a person the start
    std::fputs(program.help().c_str(), stderr);
    return 2;
  }
  if (const std::string problem = saithe::cli::unknown_command(program, argc, argv);
      !problem.empty()) {
    return fail_with(problem, 2);
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help and --version
      program.exit(error);
      std::cout.flush();
      return std::cout.good() ? 0 : fail_with("standard output cannot be written", 1);
    }
    return fail_with(saithe::cli::usage_message(program, error), 2);
  }
  saithe::cli::catch_signals();
  try {
    std::string typed = "saithe";
    for (int i = 1; i < argc; ++i) typed += std::string(" ") + argv[i];
    return saithe::cli::run_chosen(typed);
  } catch (const saithe::cli::ReaderHasGone&) {
    saithe::cli::end_without_reader();
  } catch (const saithe::Error& error) {
    const std::string bug =
        error.kind() == ErrorKind::Internal ? " (a bug of saithe: please report it)" : "";
    return fail_with(error.what() + bug, exit_code(error.kind()));
  } catch (const std::bad_alloc&) {
    return fail_with("out of memory: the computer has too little for these data", 1);
  } catch (const std::exception& error) {
    return fail_with(std::string(error.what()) + " (a bug of saithe: please report it)", 70);
  }
}
