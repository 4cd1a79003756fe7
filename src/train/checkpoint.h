#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/model_file.h"
#include "train/evaluation.h"

namespace patina::train {

// An array that belongs to a trained tensor, such as a moment of the optimizer: as long as a multiple of 4 bytes.
struct SavedArray {
  std::string name;  // "first_moment"
  std::span<const std::byte> bytes;
};

// A trained tensor with the state that its training keeps.
struct ParameterState {
  std::string name;              // "blk.0.attn_q.lora_a"
  std::vector<int64_t> shape;    // shape[0] = row length
  std::span<const float> value;  // of the shape's size
  std::vector<SavedArray> arrays;
};

// A setting that decides what the run computes, as its flag ("lora-rank") and value ("8").
struct Setting {
  std::string name;
  std::string value;
};

// Everything needed to go on with a run as if it had never stopped. The file is drawn in docs/formats/checkpoint.md.
struct Checkpoint {
  uint64_t step = 0;              // optimizer steps done
  uint64_t epoch = 0;             // epochs done
  uint64_t epoch_step = 0;        // steps done of the epoch that has begun
  BestSoFar best;                 // of the evaluations
  uint64_t base_fingerprint = 0;  // of the model
  uint64_t data_digest = 0;       // of the examples
  std::vector<Setting> settings;
  std::vector<ParameterState> parameters;
};

// Atomic, as io::write_gguf is; throws as it does.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

// A checkpoint in a mapped file; the tensors in `contents` are valid as long as this.
struct CheckpointFile {
  std::unique_ptr<io::ModelFile> file;
  Checkpoint contents;
};

// Throws kNotFound, kIo, or kInvalidData for what is no checkpoint, is truncated or corrupt (by its checksum).
CheckpointFile open_checkpoint(const std::filesystem::path& path);

// The parts of open_checkpoint(), for a file that has been parsed already: views into `tensors`.
Checkpoint parse_checkpoint(const io::Metadata& metadata, std::span<const io::TensorInfo> tensors,
                            std::string_view source);
uint64_t checkpoint_checksum(const io::Metadata& metadata, std::span<const io::TensorInfo> tensors);

// Throws kIncompatible, naming `source` and what differs, unless `saved` can go on as the run that `now` describes (its
// base, data, settings, and the names and sizes of its parameters and their arrays; where it stands does not matter).
void require_same_run(const Checkpoint& saved, const Checkpoint& now, std::string_view source);

}  // namespace patina::train
