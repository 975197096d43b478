#include "saithe/core/gzip_input.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "saithe/core/error.h"

namespace saithe {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 18;
constexpr unsigned char kMagic[] = {0x1F, 0x8B};
constexpr int kGzipOnly = 16;  // of windowBits: a gzip head, no zlib's

[[noreturn]] void fail_reading(const char* why) {
  fail(ErrorKind::BadFormat, "{}", why);
}

}  // namespace

struct GzipInput::State {
  enum class At { Start, Plain, Member, BetweenMembers, Padding };

  int descriptor = -1;
  At at = At::Start;
  std::vector<unsigned char> packed = std::vector<unsigned char>(kBlock);
  std::size_t begin = 0;  // of what is in `packed` and not used yet
  std::size_t end = 0;
  bool is_at_end = false;  // of the file
  bool has_inflater = false;
  z_stream inflater = {};

  ~State() {
    if (has_inflater) inflateEnd(&inflater);
    close(descriptor);
  }

  [[nodiscard]] std::size_t n_waiting() const { return end - begin; }

  /// Reads on until so many bytes wait, or the file ends.
  void fetch(std::size_t least) {
    if (n_waiting() >= least || is_at_end) return;
    std::copy(packed.begin() + static_cast<std::ptrdiff_t>(begin),
              packed.begin() + static_cast<std::ptrdiff_t>(end), packed.begin());
    end -= begin;
    begin = 0;
    while (end < least && !is_at_end) {
      const auto n = ::read(descriptor, packed.data() + end, packed.size() - end);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail_reading(std::strerror(errno));
      is_at_end = n == 0;
      end += static_cast<std::size_t>(n);
    }
  }

  /// Whether a member begins here.
  bool is_at_magic() {
    fetch(2);
    return n_waiting() >= 2 && std::equal(std::begin(kMagic), std::end(kMagic), &packed[begin]);
  }

  void begin_member() {
    const int code =
        has_inflater ? inflateReset(&inflater) : inflateInit2(&inflater, MAX_WBITS + kGzipOnly);
    if (code != Z_OK) fail_reading("no memory to unpack it");
    has_inflater = true;
    at = At::Member;
  }

  void skip_padding() {
    for (fetch(1); n_waiting() > 0; fetch(1)) {
      const unsigned char* const from = packed.data() + begin;
      if (std::any_of(from, from + n_waiting(), [](unsigned char byte) { return byte != 0; })) {
        fail_reading("what follows a gzip member is none");
      }
      begin = end;
    }
  }

  std::size_t inflate_some(char* bytes, std::size_t size) {
    fetch(1);
    inflater.next_in = packed.data() + begin;
    inflater.avail_in = static_cast<uInt>(n_waiting());
    inflater.next_out = reinterpret_cast<Bytef*>(bytes);
    inflater.avail_out = static_cast<uInt>(std::min(size, kBlock));
    const uInt room = inflater.avail_out;
    const int code = inflate(&inflater, Z_NO_FLUSH);
    begin = end - inflater.avail_in;
    if (code == Z_STREAM_END) {
      at = At::BetweenMembers;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      fail_reading(inflater.msg != nullptr ? inflater.msg : "the gzip data are wrong");
    } else if (room == inflater.avail_out && n_waiting() == 0 && is_at_end) {
      fail_reading("unexpected end of file");
    }
    return room - inflater.avail_out;
  }

  std::size_t copy_some(char* bytes, std::size_t size) {
    fetch(1);
    const std::size_t n = std::min(size, n_waiting());
    std::copy_n(packed.data() + begin, n, reinterpret_cast<unsigned char*>(bytes));
    begin += n;
    return n;
  }
};

GzipInput::GzipInput(int descriptor) : state_(std::make_unique<State>()) {
  state_->descriptor = descriptor;
}

GzipInput::~GzipInput() = default;

std::size_t GzipInput::read(char* bytes, std::size_t size) {
  State& s = *state_;
  if (s.at == State::At::Start) {
    if (s.is_at_magic()) {
      s.begin_member();
    } else {
      s.at = State::At::Plain;
    }
  }
  if (s.at == State::At::Plain) return s.copy_some(bytes, size);
  while (size > 0 && s.at != State::At::Padding) {
    if (s.at == State::At::Member) {
      const std::size_t n = s.inflate_some(bytes, size);
      if (n > 0) return n;
    } else if (s.is_at_magic()) {
      s.begin_member();
    } else {
      s.skip_padding();
      s.at = State::At::Padding;
    }
  }
  return 0;
}

}  // namespace saithe
