#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace patina::train {

// A number for TensorBoard, which draws all of one tag as a curve.
struct Scalar {
  std::string_view tag;  // "loss/train"
  double value;
};

// CRC-32C (Castagnoli), as RFC 3720 has it.
uint32_t crc32c(std::string_view bytes);

// An event of TensorBoard: its protobuf message `Event`, holding a `Summary` of scalars. `wall_time`: seconds since
// 1970.
std::string encode_event(double wall_time, uint64_t step, std::span<const Scalar> scalars);
// The first event of every file: the version of the form.
std::string encode_file_version(double wall_time);
// A record of TFRecord files: length, the length's masked checksum, the bytes, their masked checksum.
std::string frame_record(std::string_view bytes);

// A file of events that TensorBoard shows when it is pointed at the folder.
class EventFile {
 public:
  // A new file with a name of its own in `folder`, which is made where it is not there. Throws kIo.
  explicit EventFile(const std::filesystem::path& folder);
  // On the disk's way before the call returns. Throws kIo.
  void write(uint64_t step, std::span<const Scalar> scalars);

 private:
  void write_record(std::string_view bytes);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace patina::train
