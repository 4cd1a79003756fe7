#include "train/event_file.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <system_error>

#include "base/error.h"

// The form is that of TensorFlow's event.proto, summary.proto and lib/io/record_writer.
namespace patina::train {
namespace {

constexpr std::array<uint32_t, 256> make_table() {
  constexpr uint32_t kPolynomial = 0x82F63B78;  // reversed
  std::array<uint32_t, 256> table = {};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = make_table();

uint32_t masked_crc(std::string_view bytes) {
  constexpr uint32_t kDelta = 0xA282EAD8;
  return std::rotr(crc32c(bytes), 15) + kDelta;
}

template <typename Unsigned>
void append_little_endian(std::string& out, Unsigned value) {
  for (size_t i = 0; i < sizeof(value); ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}

void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

// How a field of protobuf is written.
enum class Wire : uint64_t { kVarint = 0, k64Bits = 1, kBytes = 2, k32Bits = 5 };

void append_key(std::string& out, uint64_t field, Wire wire) {
  append_varint(out, field << 3 | static_cast<uint64_t>(wire));
}
void append_double(std::string& out, uint64_t field, double value) {
  append_key(out, field, Wire::k64Bits);
  append_little_endian(out, std::bit_cast<uint64_t>(value));
}
void append_float(std::string& out, uint64_t field, float value) {
  append_key(out, field, Wire::k32Bits);
  append_little_endian(out, std::bit_cast<uint32_t>(value));
}
void append_number(std::string& out, uint64_t field, uint64_t value) {
  append_key(out, field, Wire::kVarint);
  append_varint(out, value);
}
void append_bytes(std::string& out, uint64_t field, std::string_view bytes) {
  append_key(out, field, Wire::kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<uint8_t>(byte)) & 0xFF];
  return ~crc;
}

std::string encode_event(double wall_time, uint64_t step, std::span<const Scalar> scalars) {
  std::string summary;
  for (const Scalar& scalar : scalars) {
    std::string value;
    append_bytes(value, 1, scalar.tag);
    append_float(value, 2, static_cast<float>(scalar.value));
    append_bytes(summary, 1, value);
  }
  std::string event;
  append_double(event, 1, wall_time);
  append_number(event, 2, step);
  append_bytes(event, 5, summary);
  return event;
}

std::string encode_file_version(double wall_time) {
  std::string event;
  append_double(event, 1, wall_time);
  append_bytes(event, 3, "brain.Event:2");
  return event;
}

std::string frame_record(std::string_view bytes) {
  std::string record;
  append_little_endian(record, static_cast<uint64_t>(bytes.size()));
  append_little_endian(record, masked_crc(record));
  record += bytes;
  append_little_endian(record, masked_crc(bytes));
  return record;
}

EventFile::EventFile(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const double time = now();
  path_ = folder / fmt::format("events.out.tfevents.{:.0f}.{}.patina", time, ::getpid());
  file_.open(path_, std::ios::binary | std::ios::app);
  if (!file_) {
    fail(ErrorKind::kIo, "cannot write {}; check the folder of --tensorboard and its permissions", path_.string());
  }
  write_record(encode_file_version(time));
}

void EventFile::write(uint64_t step, std::span<const Scalar> scalars) {
  write_record(encode_event(now(), step, scalars));
}

void EventFile::write_record(std::string_view bytes) {
  file_ << frame_record(bytes) << std::flush;
  if (!file_) fail(ErrorKind::kIo, "cannot write {}; is the disk full?", path_.string());
}

}  // namespace patina::train
