#include "saithe/io/hdf5_process.h"

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "saithe/io/hdf5_answers.h"
#include "saithe/io/hdf5_check.h"

namespace saithe::io {
namespace {

/// The child has descriptors of its own: a path that leads through one (/dev/stdin) is followed
/// before it is asked.
std::filesystem::path named_for_child(const std::filesystem::path& path) {
  const std::string name = path.string();
  if (!name.starts_with("/dev/") && !name.starts_with("/proc/")) return path;
  std::error_code error;
  std::filesystem::path place = std::filesystem::canonical(path, error);
  return error ? path : place;
}

/// In the child. libhdf5 writes over the memory of others on some damaged files: what our own code
/// meets then (an object that is gone, an index that is none) is the file's fault.
void answer_of(Hdf5Answers& answers, const std::string& file, MessageReader& question,
               MessageWriter& answer, ChildNotes& notes) {
  try {
    answers.answer(question, answer, notes);
  } catch (const std::length_error&) {  // asks for more memory than there can be
    throw;
  } catch (const std::logic_error&) {
    fail(ErrorKind::BadFormat,
         "{}: cannot be read: HDF5 harmed its process on it; the file is damaged. Copy it again.",
         file);
  }
}

}  // namespace

Hdf5Process::Hdf5Process(const std::filesystem::path& path, std::int64_t max_memory)
    : name_(path.string()),
      bytes_(path),
      limits_(limits_of_reading(path)),
      server_([answers = std::make_shared<Hdf5Answers>(), file = path.string()](
                  MessageReader& question, MessageWriter& answer,
                  ChildNotes& notes) { answer_of(*answers, file, question, answer, notes); },
              limits_),
      max_memory_(max_memory) {}

std::shared_ptr<Hdf5Process> Hdf5Process::open(const std::filesystem::path& path,
                                               std::int64_t max_memory) {
  const FileStamp stamp = FileStamp::of(path);
  const std::shared_ptr<Hdf5Process> process(new Hdf5Process(path, max_memory));
  OwnMessage question = process->question(Hdf5Question::Open, 0);
  question.add_text(named_for_child(path).string());
  question.add_integer(was_walked_over(stamp) ? 0 : 1);
  static_cast<void>(process->ask(question));
  if (!process->bytes_.is_at(path)) {
    fail(ErrorKind::BadFormat, "{}: was replaced by another file while it was opened. Try again.",
         path.string());
  }
  note_walked_over(stamp);
  return process;
}

OwnMessage Hdf5Process::question(Hdf5Question what, std::int64_t object) {
  std::vector<std::int64_t> released;
  {
    const std::lock_guard lock(mutex_);
    released.swap(released_);
  }
  OwnMessage question;
  question.add_array(std::span<const std::int64_t>(released));
  question.add_integer(static_cast<std::int64_t>(what));
  question.add_integer(object);
  return question;
}

ChildServer::Answer Hdf5Process::ask(const OwnMessage& question) {
  ChildServer::Answer answer = server_.ask(question);
  if (answer.report.end == ChildEnd::Finished) return answer;
  if (answer.report.place.empty()) answer.report.place = name_;  // it came to nothing
  fail_contained(answer.report, limits_.cpu_seconds);
}

void Hdf5Process::release(std::int64_t object) {
  const std::lock_guard lock(mutex_);
  released_.push_back(object);
}

}  // namespace saithe::io
