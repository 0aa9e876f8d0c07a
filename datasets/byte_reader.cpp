#include "espalier/datasets/byte_reader.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "espalier/autograd/core/error.h"

namespace espalier::datasets {
namespace {

// What a byte of deflate can stand for at most (zlib's own figure). A header that announces more
// than that is wrong, and must not make us ask for the memory.
constexpr uint64_t largest_expansion = 1032;

constexpr size_t input_size = size_t{1} << 18;
constexpr std::array<uint8_t, 2> gzip_magic = {0x1f, 0x8b};
constexpr int gzip_only = 15 + 16;  // zlib's windowBits: the largest window, and gzip's wrapping

}  // namespace

void ByteReader::EndInflate::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

ByteReader::ByteReader(std::string where, std::string path)
    : where_(std::move(where)), path_(std::move(path)) {
  std::error_code failure;
  file_size_ = std::filesystem::file_size(path_, failure);  // also refuses folders
  if (failure) fail(fmt::format("cannot open {}: {}", path_, failure.message()));
  file_.reset(std::fopen(path_.c_str(), "rb"));
  if (!file_) {
    fail(fmt::format("cannot open {}: {}", path_, std::generic_category().message(errno)));
  }
  std::array<uint8_t, 2> start{};
  const uint64_t got = read_file(start.data(), start.size());
  std::rewind(file_.get());
  if (got < start.size() || start != gzip_magic) return;

  auto stream = std::make_unique<z_stream>();
  if (inflateInit2(stream.get(), gzip_only) != Z_OK) {
    fail(fmt::format("there is no memory to decompress {}", path_));
  }
  stream_.reset(stream.release());
  input_.resize(input_size);
}

ByteReader::~ByteReader() = default;

void ByteReader::fail(const std::string& what) const {
  throw Error(where_, what);
}

uint64_t ByteReader::most_bytes() const {
  return file_size_ * (stream_ ? largest_expansion : 1);
}

uint64_t ByteReader::read_file(uint8_t* to, uint64_t count) {
  const uint64_t got = std::fread(to, 1, count, file_.get());
  if (got < count && std::ferror(file_.get())) {
    fail(fmt::format("cannot read {}: {}", path_, std::generic_category().message(errno)));
  }
  return got;
}

// More compressed bytes, where the last ones are used up and the file has more.
void ByteReader::refill() {
  if (stream_->avail_in > 0) return;
  stream_->avail_in = static_cast<unsigned>(read_file(input_.data(), input_.size()));
  stream_->next_in = input_.data();
}

// A gzip file may consist of several compressed pieces, one after the other.
void ByteReader::start_next_member() {
  refill();
  if (stream_->avail_in == 0) {
    at_end_ = true;
    return;
  }
  if (*stream_->next_in != gzip_magic.front()) {
    fail(fmt::format("{} has trailing bytes behind its compressed data; fetch it again", path_));
  }
  inflateReset(stream_.get());  // checks the rest of what says that it is gzip
}

uint64_t ByteReader::read(uint8_t* to, uint64_t count) {
  if (!stream_) return read_file(to, count);
  uint64_t done = 0;
  while (done < count && !at_end_) {
    refill();
    const auto piece = static_cast<unsigned>(std::min<uint64_t>(count - done, 1u << 30));
    stream_->next_out = to + done;
    stream_->avail_out = piece;
    const int code = inflate(stream_.get(), Z_NO_FLUSH);
    done += piece - stream_->avail_out;
    if (code == Z_STREAM_END) {
      start_next_member();
    } else if (code == Z_BUF_ERROR) {  // nothing went in and nothing came out
      incomplete_ = true;
      break;
    } else if (code != Z_OK) {
      fail(fmt::format("{} is damaged ({}); fetch it again", path_,
                       stream_->msg ? stream_->msg : zError(code)));
    }
  }
  return done;
}

void ByteReader::expect_end() {
  uint8_t extra;
  // The attempt to read on also makes zlib compare its checksum.
  if (read(&extra, 1) != 0) {
    fail(fmt::format("{} has trailing bytes beyond what its header announces; fetch it again",
                     path_));
  }
  if (incomplete_) {
    fail(fmt::format("{} is truncated: the end of the compressed data is missing; fetch it again",
                     path_));
  }
}

}  // namespace espalier::datasets
