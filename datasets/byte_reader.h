#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

struct z_stream_s;

namespace espalier::datasets {

/// The bytes of a file from first to last. A gzip-compressed file, told by its first two bytes,
/// comes decompressed.
///
/// Strict where zlib's own file functions are lax: whatever follows compressed data and is not
/// compressed data itself is an error, as is data whose end or checksum is missing.
class ByteReader {
 public:
  /// \param where  the file format that reads, for errors
  /// \throws Error naming the file when it cannot be opened, or is a folder
  ByteReader(std::string where, std::string path);
  ~ByteReader();
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  const std::string& path() const { return path_; }
  uint64_t file_size() const { return file_size_; }  ///< on disk, perhaps compressed
  /// The most bytes that can come out of this file.
  uint64_t most_bytes() const;

  /// Up to `count` bytes; fewer only where the file ends, even if that is too early.
  /// \throws Error naming the file when it cannot be read, or its compressed data are damaged
  uint64_t read(uint8_t* to, uint64_t count);

  /// Makes sure that everything was read. \throws Error when bytes are left, or when the end of the
  /// compressed data is missing
  void expect_end();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  struct EndInflate {
    void operator()(z_stream_s* stream) const;
  };

  uint64_t read_file(uint8_t* to, uint64_t count);
  void refill();
  void start_next_member();
  [[noreturn]] void fail(const std::string& what) const;

  std::string where_, path_;
  uint64_t file_size_ = 0;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::unique_ptr<z_stream_s, EndInflate> stream_;  // none: the file is not compressed
  std::vector<uint8_t> input_;                      // compressed bytes on their way
  bool at_end_ = false;                             // of the last member
  bool incomplete_ = false;                         // the file ended within a member
};

}  // namespace espalier::datasets
