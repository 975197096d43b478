#include "saithe/io/hdf5_answers.h"

#include <sys/resource.h>

#include <algorithm>

#include "saithe/io/hdf5_check.h"

namespace saithe::io {
namespace {

using Object = std::variant<LibraryGroup, LibraryDataset>;

bool names_an_attribute(Hdf5Question what) {
  return what == Hdf5Question::HasAttribute || what == Hdf5Question::TextAttribute ||
         what == Hdf5Question::IntegerAttribute || what == Hdf5Question::FlagAttribute;
}

hid_t id_of(const Object& object) {
  return std::visit([](const auto& one) { return one.id(); }, object);
}

std::string where_of(const Object& object) {
  return std::visit([](const auto& one) { return std::string(one.where()); }, object);
}

/// Raises this process's limit for the question at hand.
void allow_seconds(std::int64_t seconds) {
  rlimit both = {};
  if (seconds == 0 || getrlimit(RLIMIT_CPU, &both) != 0 || both.rlim_cur == RLIM_INFINITY) return;
  both.rlim_cur = std::min(both.rlim_cur + static_cast<rlim_t>(seconds), both.rlim_max);
  setrlimit(RLIMIT_CPU, &both);
}

template <typename Value>
void read_block(const LibraryDataset& dataset, hid_t memory_type, MessageReader& question,
                MessageWriter& answer) {
  const auto start = question.take_array<hsize_t>();
  const auto count = question.take_array<hsize_t>();
  std::size_t n = 1;
  for (const hsize_t length : count) n *= length;
  dataset.read_block(start, count, memory_type, answer.grow(n * sizeof(Value)));
}

void read_texts(const LibraryDataset& dataset, std::int64_t begin, std::int64_t n,
                MessageWriter& answer) {
  answer.add_integer(n);
  dataset.read_texts(begin, n, [&](std::string_view text) { answer.add_text(text); });
}

void fetch_chunks(const LibraryDataset& dataset, MessageReader& question, MessageWriter& answer) {
  const std::int64_t first = question.take_integer();
  const std::int64_t n = question.take_integer();
  for (std::int64_t chunk = first; chunk < first + n; ++chunk) dataset.fetch_chunk(chunk, answer);
}

}  // namespace

std::int64_t seconds_to_unpack(const DatasetDescription& dataset) {
  static constexpr std::int64_t kBytesPerSecond = 20'000'000;
  const std::int64_t bytes = checked_multiply(
      dataset.size(), static_cast<std::int64_t>(dataset.value_bytes), dataset.where.c_str());
  return std::min(
      bytes / kBytesPerSecond,
      dataset.stored_bytes / kBytesPerSecond * dataset.largest_ratio +
          dataset.stored_bytes % kBytesPerSecond * dataset.largest_ratio / kBytesPerSecond);
}

void Hdf5Answers::answer_of_attribute(Hdf5Question what, const Object& object,
                                      MessageReader& question, MessageWriter& answer,
                                      ChildNotes& notes) {
  const hid_t id = id_of(object);
  const std::string where = where_of(object);
  const std::string name = question.take_text();
  notes.note(where + ", attribute " + name);
  switch (what) {
    case Hdf5Question::HasAttribute:
      return answer.add_integer(H5Aexists(id, name.c_str()) > 0 ? 1 : 0);
    case Hdf5Question::TextAttribute:
      return answer.add_texts(read_text_attribute(id, name, where));
    case Hdf5Question::FlagAttribute:
      return answer.add_integer(read_flag_attribute(id, name, where) ? 1 : 0);
    default: {
      const auto values = read_integer_attribute(id, name, where);
      answer.add_array(std::span<const std::int64_t>(values));
    }
  }
}

void Hdf5Answers::add_dataset(LibraryDataset dataset, MessageWriter& answer) {
  answer.add_integer(++n_opened_);
  add_description(answer, dataset.description());
  objects_.emplace(n_opened_, std::move(dataset));
}

void Hdf5Answers::answer_of_group(Hdf5Question what, const LibraryGroup& group,
                                  MessageReader& question, MessageWriter& answer,
                                  ChildNotes& notes) {
  if (what == Hdf5Question::Names) return answer.add_texts(group.names());
  const std::string name = question.take_text();
  notes.note(group.where(name));
  switch (what) {
    case Hdf5Question::Has:
      return answer.add_integer(group.has(name) ? 1 : 0);
    case Hdf5Question::KindOf:
      return answer.add_integer(static_cast<std::int64_t>(group.kind_of(name)));
    case Hdf5Question::LinkOf:
      return answer.add_integer(static_cast<std::int64_t>(group.link_of(name)));
    case Hdf5Question::Group:
      objects_.emplace(++n_opened_, group.group(name));
      return answer.add_integer(n_opened_);
    case Hdf5Question::Dataset:
      return add_dataset(group.dataset(name), answer);
    default:
      fail_damaged(group.where());
  }
}

void Hdf5Answers::answer_of_dataset(Hdf5Question what, const LibraryDataset& dataset,
                                    MessageReader& question, MessageWriter& answer) {
  if (what != Hdf5Question::FetchChunks) allow_seconds(seconds_to_unpack(dataset.description()));
  switch (what) {
    case Hdf5Question::ReferredDataset: {
      auto referred = dataset.referred_dataset(question.take_text());
      answer.add_integer(referred ? 1 : 0);
      if (referred) add_dataset(std::move(*referred), answer);
      return;
    }
    case Hdf5Question::Field:
      return add_dataset(dataset.field(question.take_text()), answer);
    case Hdf5Question::ReadIntegers:
      return answer.add_array(std::span<const std::int64_t>(dataset.read_integers()));
    case Hdf5Question::ReadUnsigned:
      return answer.add_array(std::span<const std::uint64_t>(dataset.read_unsigned()));
    case Hdf5Question::ReadNumbers:
      return answer.add_array(std::span<const double>(dataset.read_numbers()));
    case Hdf5Question::ReadTexts:
      return read_texts(dataset, 0, dataset.description().size(), answer);
    case Hdf5Question::ReadSomeTexts: {
      const std::int64_t begin = question.take_integer();
      return read_texts(dataset, begin, question.take_integer(), answer);
    }
    case Hdf5Question::ReadFloats:
      return read_block<float>(dataset, H5T_NATIVE_FLOAT, question, answer);
    case Hdf5Question::ReadWide:
      return read_block<std::int64_t>(dataset, H5T_NATIVE_INT64, question, answer);
    case Hdf5Question::FetchChunks:
      return fetch_chunks(dataset, question, answer);
    default:
      fail_damaged(dataset.where());
  }
}

void Hdf5Answers::answer(MessageReader& question, MessageWriter& answer, ChildNotes& notes) {
  initialise_hdf5();
  forget_errors();
  for (const std::int64_t closed : question.take_array<std::int64_t>()) objects_.erase(closed);
  const auto what = static_cast<Hdf5Question>(question.take_integer());
  const std::int64_t number = question.take_integer();
  if (what == Hdf5Question::Open) {
    const std::filesystem::path path = question.take_text();
    notes.note(path.string());
    if (question.take_integer() != 0) walk_over(path, notes);
    notes.note(path.string());
    objects_.emplace(0, LibraryGroup::open_file(path));
    return;
  }
  const auto& object = objects_.at(number);
  const std::string where = where_of(object);
  notes.note(where);
  if (names_an_attribute(what)) return answer_of_attribute(what, object, question, answer, notes);

  if (const auto* group = std::get_if<LibraryGroup>(&object)) {
    return answer_of_group(what, *group, question, answer, notes);
  }
  answer_of_dataset(what, std::get<LibraryDataset>(object), question, answer);
}

}  // namespace saithe::io
