#include "saithe/io/hdf5_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "saithe/core/usable_memory.h"
#include "saithe/io/hdf5_answers.h"
#include "saithe/io/text_memory.h"

namespace saithe::io {

bool is_hdf5_file(const std::filesystem::path& path) {
  static constexpr std::array<char, 8> kSignature = {'\x89', 'H',  'D',    'F',
                                                     '\r',   '\n', '\x1a', '\n'};
  std::ifstream file(path, std::ios::binary);
  // A user block of 512, 1024, ... bytes may stand before the signature.
  for (std::int64_t offset = 0; file; offset = offset == 0 ? 512 : 2 * offset) {
    std::array<char, 8> start{};
    file.seekg(offset);
    file.read(start.data(), start.size());
    if (file && start == kSignature) return true;
  }
  return false;
}

ChildServer::Answer Hdf5Object::ask(Hdf5Question what, const std::string& name) const {
  OwnMessage message = question(what);
  message.add_text(name);
  return ask(message);
}

namespace {

std::optional<std::string> first_of(std::vector<std::string> texts) {
  if (texts.empty()) return std::nullopt;
  return std::move(texts.front());
}

}  // namespace

// ---- groups ---------------------------------------------------------------------------------

Hdf5Group Hdf5Group::open_file(const std::filesystem::path& path, std::int64_t max_memory) {
  const std::string name = path.string();
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    fail(ErrorKind::NotFound, "{}: no such file", name);
  }
  std::ifstream readable(path);
  if (!readable) fail(ErrorKind::NotFound, "{}: cannot be opened: {}", name, std::strerror(errno));
  if (!is_hdf5_file(path)) fail(ErrorKind::BadFormat, "{}: is not an HDF5 file", name);
  return {std::make_shared<const Hdf5Object>(Hdf5Process::open(path, max_memory), 0), name, "/"};
}

std::string Hdf5Group::where(const std::string& name) const {
  return where() + (path_ == "/" ? "" : "/") + name;
}

MemberKind Hdf5Group::kind_of(const std::string& name) const {
  return static_cast<MemberKind>(object_->ask(Hdf5Question::KindOf, name).content.take_integer());
}

bool Hdf5Group::has(const std::string& name) const {
  return object_->ask(Hdf5Question::Has, name).content.take_integer() != 0;
}

bool Hdf5Group::has_group(const std::string& name) const {
  return kind_of(name) == MemberKind::Group;
}

bool Hdf5Group::has_dataset(const std::string& name) const {
  return kind_of(name) == MemberKind::Dataset;
}

LinkKind Hdf5Group::link_of(const std::string& name) const {
  return static_cast<LinkKind>(object_->ask(Hdf5Question::LinkOf, name).content.take_integer());
}

bool Hdf5Group::is_link(const std::string& name) const {
  return has(name) && link_of(name) != LinkKind::Hard;
}

bool Hdf5Group::leads_elsewhere(const std::string& name) const {
  return has(name) && link_of(name) == LinkKind::Elsewhere;
}

bool Hdf5Group::has_attribute(const std::string& name) const {
  return object_->ask(Hdf5Question::HasAttribute, name).content.take_integer() != 0;
}

std::vector<std::string> Hdf5Group::names() const {
  return object_->ask(Hdf5Question::Names).content.take_texts();
}

Hdf5Group Hdf5Group::group(const std::string& name) const {
  const auto number = object_->ask(Hdf5Question::Group, name).content.take_integer();
  return {object_->other(number), file_name_, (path_ == "/" ? "/" : path_ + "/") + name};
}

Hdf5Dataset Hdf5Group::dataset(const std::string& name) const {
  auto answer = object_->ask(Hdf5Question::Dataset, name);
  return Hdf5Dataset::take(*object_, answer);
}

std::optional<std::string> Hdf5Group::text_attribute(const std::string& name) const {
  return first_of(text_list_attribute(name));
}

std::vector<std::string> Hdf5Group::text_list_attribute(const std::string& name) const {
  return object_->ask(Hdf5Question::TextAttribute, name).content.take_texts();
}

std::vector<std::int64_t> Hdf5Group::integer_attribute(const std::string& name) const {
  return object_->ask(Hdf5Question::IntegerAttribute, name).content.take_array<std::int64_t>();
}

bool Hdf5Group::flag_attribute(const std::string& name) const {
  return object_->ask(Hdf5Question::FlagAttribute, name).content.take_integer() != 0;
}

namespace {

// Texts that are on their way from the child: their number, unless they are long, and their bytes.
constexpr std::int64_t kMostTexts = std::int64_t{1} << 16;
constexpr std::int64_t kTextBytes = std::int64_t{1} << 22;
// Texts of any length: so many at first, and not more than so many times as many as the last time.
constexpr std::int64_t kFirstTexts = std::int64_t{1} << 8;
constexpr std::int64_t kGrowth = 16;

/// How many texts are asked for at once.
class TextPieces {
 public:
  explicit TextPieces(const DatasetDescription& dataset)
      : is_known_(!dataset.has_any_length),
        n_(is_known_ ? fit(static_cast<std::int64_t>(dataset.value_bytes)) : kFirstTexts) {}
  [[nodiscard]] std::int64_t n() const { return n_; }
  /// Tells of those that came.
  void see(std::span<const std::string> texts) {
    if (is_known_ || texts.empty()) return;
    std::int64_t bytes = 0;
    for (const std::string& text : texts) bytes += std::ssize(text);
    n_ = std::min(kGrowth * n_, fit(bytes / std::ssize(texts)));
  }

 private:
  static std::int64_t fit(std::int64_t bytes_each) {
    return std::clamp<std::int64_t>(kTextBytes / (bytes_each + 1), 1, kMostTexts);
  }

  bool is_known_;  // how long they are
  std::int64_t n_;
};

/// Throws where a chunk of texts, which is unpacked as a whole, takes more than there may be.
void require_room_for_texts(const DatasetDescription& dataset, std::int64_t max_memory) {
  if (dataset.chunk_shape.empty() || dataset.filters.empty()) return;
  const std::int64_t bytes =
      checked_multiply(dataset.chunk_shape.front(), static_cast<std::int64_t>(dataset.value_bytes),
                       dataset.where.c_str());
  if (bytes <= most_bytes_of_cells(max_memory)) return;
  fail(ErrorKind::BadFormat,
       "{}: one of its chunks has {} texts, and unpacking it takes {}, more than --memory ({}) "
       "allows. Give it more with --memory {}, or write the file again with smaller chunks.",
       dataset.where, dataset.chunk_shape.front(), memory_text(bytes), memory_text(max_memory),
       memory_text(bytes - most_bytes_of_cells(0)));
}

}  // namespace

// ---- datasets -------------------------------------------------------------------------------

Hdf5Dataset Hdf5Dataset::take(const Hdf5Object& relative, ChildServer::Answer& answer) {
  const std::int64_t number = answer.content.take_integer();
  return {relative.other(number), take_description(answer.content)};
}

std::optional<std::string> Hdf5Dataset::text_attribute(const std::string& name) const {
  return first_of(object_->ask(Hdf5Question::TextAttribute, name).content.take_texts());
}

bool Hdf5Dataset::flag_attribute(const std::string& name) const {
  return object_->ask(Hdf5Question::FlagAttribute, name).content.take_integer() != 0;
}

std::optional<Hdf5Dataset> Hdf5Dataset::referred_dataset(const std::string& name) const {
  auto answer = object_->ask(Hdf5Question::ReferredDataset, name);
  if (answer.content.take_integer() == 0) return std::nullopt;
  return take(*object_, answer);
}

Hdf5Dataset Hdf5Dataset::field(const std::string& name) const {
  auto answer = object_->ask(Hdf5Question::Field, name);
  return take(*object_, answer);
}

std::vector<std::int64_t> Hdf5Dataset::read_integers() const {
  return object_->ask(Hdf5Question::ReadIntegers).content.take_array<std::int64_t>();
}

std::vector<std::uint64_t> Hdf5Dataset::read_unsigned() const {
  return object_->ask(Hdf5Question::ReadUnsigned).content.take_array<std::uint64_t>();
}

std::vector<double> Hdf5Dataset::read_numbers() const {
  return object_->ask(Hdf5Question::ReadNumbers).content.take_array<double>();
}

std::vector<std::string> Hdf5Dataset::read_texts() const {
  if (kind() == StoredKind::Text && shape().size() == 1) {
    return read_texts(0, size());
  }
  auto texts = object_->ask(Hdf5Question::ReadTexts).content.take_texts();
  TextMemory(where(), std::ssize(texts), object_->max_memory()).add(texts);
  return texts;
}

std::vector<std::string> Hdf5Dataset::read_texts(std::int64_t begin, std::int64_t n) const {
  require_plausible(size());
  TextMemory memory(where(), n, object_->max_memory());
  std::vector<std::string> texts;
  texts.reserve(as_size(n));
  require_room_for_texts(description_, object_->max_memory());
  TextPieces pieces(description_);
  do {
    OwnMessage question = object_->question(Hdf5Question::ReadSomeTexts);
    question.add_integer(begin + std::ssize(texts));
    const std::int64_t n_asked = std::min(pieces.n(), n - std::ssize(texts));
    question.add_integer(n_asked);
    auto some = object_->ask(question).content.take_texts();
    if (std::ssize(some) != n_asked) {
      fail(ErrorKind::BadFormat, "{}: gives {} texts of {}: the file is damaged. Copy it again.",
           where(), some.size(), n_asked);
    }
    memory.add(some);
    pieces.see(some);
    std::ranges::move(some, std::back_inserter(texts));
  } while (std::ssize(texts) < n);
  return texts;
}

template <typename Value>
void Hdf5Dataset::read_block_as(Hdf5Question what, std::span<const std::int64_t> start,
                                std::span<const std::int64_t> count,
                                std::span<Value> values) const {
  OwnMessage question = object_->question(what);
  question.add_array(start);
  question.add_array(count);
  object_->ask(question).content.take_into(values);
}

void Hdf5Dataset::read_block(std::span<const std::int64_t> start,
                             std::span<const std::int64_t> count, std::span<float> values) const {
  read_block_as(Hdf5Question::ReadFloats, start, count, values);
}

void Hdf5Dataset::read_block(std::span<const std::int64_t> start,
                             std::span<const std::int64_t> count,
                             std::span<std::int64_t> values) const {
  read_block_as(Hdf5Question::ReadWide, start, count, values);
}

void Hdf5Dataset::read_bytes(std::int64_t first, std::span<unsigned char> bytes) const {
  SAITHE_ASSERT(description_.first_byte >= 0);
  const std::int64_t skipped =
      checked_multiply(first, static_cast<std::int64_t>(value_bytes()), where().c_str());
  const std::int64_t place = checked_add(description_.first_byte, skipped, where().c_str());
  if (object_->bytes().read(place, bytes)) return;
  fail(ErrorKind::BadFormat, "{}: cannot be read: the file is damaged or cut off. Copy it again.",
       where());
}

StoredChunks Hdf5Dataset::fetch_chunks(std::int64_t first, std::int64_t n) const {
  OwnMessage question = object_->question(Hdf5Question::FetchChunks);
  question.add_integer(first);
  question.add_integer(n);
  StoredChunks fetched{object_->ask(question), {}};
  MessageReader& content = fetched.answer.content;
  for (std::int64_t i = 0; i < n; ++i) {
    StoredChunk chunk;
    const std::int64_t n_bytes = content.take_integer();
    chunk.is_stored = n_bytes >= 0;
    if (chunk.is_stored) {
      chunk.bytes = content.take_bytes(n_bytes);
      chunk.skipped_filters = static_cast<std::uint32_t>(content.take_integer());
    }
    fetched.chunks.push_back(chunk);
  }
  return fetched;
}

}  // namespace saithe::io
