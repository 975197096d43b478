#include "saithe/core/text_output.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "saithe/core/error.h"
#include "saithe/core/pending_outputs.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = std::size_t{1} << 20;

/// A gzip member without time or name: the same text, the same bytes.
class Gzip {
 public:
  Gzip() : piece_(kPiece, '\0') {
    constexpr int kGzipWindow = 15 + 16;
    constexpr int kMemoryLevel = 8;
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~Gzip() { deflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  void write(std::string_view text, bool is_last, std::ofstream& file) {
    // zlib does not change its input, it only lacks the const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece_.data());
      stream_.avail_out = static_cast<uInt>(piece_.size());
      deflate(&stream_, is_last ? Z_FINISH : Z_NO_FLUSH);
      file.write(piece_.data(), static_cast<std::streamsize>(piece_.size() - stream_.avail_out));
    } while (stream_.avail_out == 0);
  }

 private:
  z_stream stream_ = {};
  std::string piece_;
};

/// Cuts a text into pieces of one size, whatever those that it comes in.
class TextOutput {
 public:
  TextOutput(const fs::path& path, bool overwrite)
      : output_(path, overwrite), file_(output_.temporary_path(), std::ios::binary) {
    if (path.extension() == ".gz" || path.extension() == ".GZ") gzip_ = std::make_unique<Gzip>();
  }

  void put(std::string_view text) {
    while (!text.empty()) {
      if (buffer_.size() == kPiece) flush(false);
      const std::size_t n = std::min(text.size(), kPiece - buffer_.size());
      buffer_.append(text.substr(0, n));
      text.remove_prefix(n);
    }
  }

  /// The file under construction, its bytes all written.
  OutputFile finish() {
    flush(true);
    file_.close();
    if (!file_) fail_writing();
    return std::move(output_);
  }

 private:
  void flush(bool is_last) {
    if (gzip_) {
      gzip_->write(buffer_, is_last, file_);
    } else {
      file_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    }
    if (!file_) fail_writing();
    buffer_.clear();
  }
  [[noreturn]] void fail_writing() const {
    fail(ErrorKind::Output, "{}: cannot be written: {}", output_.path().string(),
         std::strerror(errno));
  }

  OutputFile output_;
  std::ofstream file_;
  std::unique_ptr<Gzip> gzip_;
  std::string buffer_;
};

}  // namespace

void write_text(const fs::path& path, bool overwrite,
                const std::function<void(const PutText&)>& write) {
  PendingOutputs outputs;
  write_text(path, overwrite, write, outputs);
  outputs.commit();
}

void write_text(const fs::path& path, bool overwrite,
                const std::function<void(const PutText&)>& write, PendingOutputs& outputs) {
  TextOutput output(path, overwrite);
  write([&](std::string_view text) { output.put(text); });
  outputs.add(output.finish());
}

}  // namespace saithe
