#include "train/checkpoint.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/digest.h"
#include "base/error.h"
#include "io/printable.h"

namespace patina::train {
namespace {

constexpr std::string_view kType = "checkpoint";
constexpr uint64_t kVersion = 2;
constexpr std::string_view kVersionKey = "checkpoint.version";
constexpr std::string_view kStepKey = "checkpoint.step";
constexpr std::string_view kEpochKey = "checkpoint.epoch";
constexpr std::string_view kEpochStepKey = "checkpoint.epoch_step";
constexpr std::string_view kBestStepKey = "checkpoint.best_step";
constexpr std::string_view kBestLossKey = "checkpoint.best_loss";
constexpr std::string_view kSinceBestKey = "checkpoint.evaluations_since_best";
constexpr std::string_view kBaseKey = "checkpoint.base_fingerprint";
constexpr std::string_view kDataKey = "checkpoint.data_digest";
constexpr std::string_view kChecksumKey = "checkpoint.checksum";
constexpr std::string_view kSettingPrefix = "checkpoint.setting.";

[[noreturn]] void fail_corrupt(std::string_view source, std::string_view what) {
  fail(ErrorKind::kInvalidData, "{} is no whole checkpoint: {}; resume from another one", source, what);
}

io::Metadata metadata_of(const Checkpoint& checkpoint) {
  io::Metadata metadata;
  metadata.set("general.type", std::string(kType));
  const auto set_number = [&](std::string_view key, uint64_t value) {
    metadata.set(std::string(key), value, io::MetaType::kU64);
  };
  set_number(kVersionKey, kVersion);
  set_number(kStepKey, checkpoint.step);
  set_number(kEpochKey, checkpoint.epoch);
  set_number(kEpochStepKey, checkpoint.epoch_step);
  set_number(kBestStepKey, checkpoint.best.step);
  set_number(kBestLossKey, std::bit_cast<uint64_t>(checkpoint.best.loss));
  set_number(kSinceBestKey, checkpoint.best.evaluations_since_best);
  set_number(kBaseKey, checkpoint.base_fingerprint);
  set_number(kDataKey, checkpoint.data_digest);
  for (const Setting& setting : checkpoint.settings) {
    metadata.set(std::string(kSettingPrefix) + setting.name, setting.value);
  }
  return metadata;
}

std::span<const float> floats_of(const io::TensorInfo& tensor) {
  return {reinterpret_cast<const float*>(tensor.data.data()), tensor.data.size() / sizeof(float)};
}

// Arrays follow the parameter that they belong to.
std::vector<ParameterState> parameters_of(std::span<const io::TensorInfo> tensors, std::string_view source) {
  std::vector<ParameterState> parameters;
  for (const io::TensorInfo& tensor : tensors) {
    if (tensor.type != quant::DType::kF32) {
      fail_corrupt(source, fmt::format("the tensor {} is not of f32", io::printable(tensor.name)));
    }
    const bool belongs = !parameters.empty() && tensor.name.starts_with(parameters.back().name + '.');
    if (belongs) {
      parameters.back().arrays.push_back({tensor.name.substr(parameters.back().name.size() + 1), tensor.data});
    } else {
      parameters.push_back({tensor.name, tensor.shape, floats_of(tensor), {}});
    }
  }
  return parameters;
}

bool same_layout(const ParameterState& a, const ParameterState& b) {
  return a.name == b.name && a.shape == b.shape &&
         std::ranges::equal(a.arrays, b.arrays, [](const SavedArray& x, const SavedArray& y) {
           return x.name == y.name && x.bytes.size() == y.bytes.size();
         });
}

const Setting* find_setting(const Checkpoint& checkpoint, std::string_view name) {
  const auto found = std::find_if(checkpoint.settings.begin(), checkpoint.settings.end(),
                                  [name](const Setting& setting) { return setting.name == name; });
  return found == checkpoint.settings.end() ? nullptr : &*found;
}

}  // namespace

uint64_t checkpoint_checksum(const io::Metadata& metadata, std::span<const io::TensorInfo> tensors) {
  Digest digest;
  for (const io::MetaEntry& entry : metadata.entries()) {
    if (entry.key == kChecksumKey) continue;
    digest.add_text(entry.key);
    if (const auto* number = std::get_if<uint64_t>(&entry.value)) digest.add_number(*number);
    if (const auto* text = std::get_if<std::string>(&entry.value)) digest.add_text(*text);
  }
  for (const io::TensorInfo& tensor : tensors) {
    digest.add_text(tensor.name);
    for (const int64_t length : tensor.shape) digest.add_number(static_cast<uint64_t>(length));
    digest.add(tensor.data);
  }
  return digest.value();
}

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  io::Metadata metadata = metadata_of(checkpoint);
  std::vector<io::TensorInfo> tensors;
  std::vector<io::TensorToWrite> to_write;
  const auto add = [&](const std::string& name, const std::vector<int64_t>& shape, std::span<const std::byte> bytes) {
    tensors.push_back({name, quant::DType::kF32, shape, bytes});
    to_write.push_back({name, quant::DType::kF32, shape, bytes});
  };
  for (const ParameterState& parameter : checkpoint.parameters) {
    add(parameter.name, parameter.shape, std::as_bytes(parameter.value));
    for (const SavedArray& array : parameter.arrays) {
      add(parameter.name + '.' + array.name, {static_cast<int64_t>(array.bytes.size() / sizeof(float))}, array.bytes);
    }
  }
  metadata.set(std::string(kChecksumKey), checkpoint_checksum(metadata, tensors), io::MetaType::kU64);
  io::write_gguf(path, metadata, to_write);
}

Checkpoint parse_checkpoint(const io::Metadata& metadata, std::span<const io::TensorInfo> tensors,
                            std::string_view source) {
  if (metadata.get_string("general.type", "") != kType) {
    fail(ErrorKind::kInvalidData, "{} is no checkpoint of a training run", source);
  }
  const auto number = [&](std::string_view key) {
    const io::MetaValue* value = metadata.find(key);
    const auto* found = value == nullptr ? nullptr : std::get_if<uint64_t>(value);
    if (found == nullptr) fail_corrupt(source, fmt::format("{} is missing", key));
    return *found;
  };
  if (const uint64_t version = number(kVersionKey); version != kVersion) {
    fail(ErrorKind::kUnsupported, "{} is a checkpoint of version {}; this program reads version {}", source, version,
         kVersion);
  }
  if (number(kChecksumKey) != checkpoint_checksum(metadata, tensors)) {
    fail_corrupt(source, "its checksum does not agree with its contents");
  }
  Checkpoint checkpoint;
  checkpoint.step = number(kStepKey);
  checkpoint.epoch = number(kEpochKey);
  checkpoint.epoch_step = number(kEpochStepKey);
  checkpoint.best = {.loss = std::bit_cast<double>(number(kBestLossKey)),
                     .step = number(kBestStepKey),
                     .evaluations_since_best = number(kSinceBestKey)};
  checkpoint.base_fingerprint = number(kBaseKey);
  checkpoint.data_digest = number(kDataKey);
  for (const io::MetaEntry& entry : metadata.entries()) {
    if (!entry.key.starts_with(kSettingPrefix)) continue;
    const auto* value = std::get_if<std::string>(&entry.value);
    if (value == nullptr) fail_corrupt(source, fmt::format("{} is no text", io::printable(entry.key)));
    checkpoint.settings.push_back({entry.key.substr(kSettingPrefix.size()), *value});
  }
  checkpoint.parameters = parameters_of(tensors, source);
  return checkpoint;
}

CheckpointFile open_checkpoint(const std::filesystem::path& path) {
  CheckpointFile result;
  result.file = io::ModelFile::open(path);
  result.contents = parse_checkpoint(result.file->metadata(), result.file->tensors(), path.string());
  return result;
}

void require_same_run(const Checkpoint& saved, const Checkpoint& now, std::string_view source) {
  if (saved.base_fingerprint != now.base_fingerprint) {
    fail(ErrorKind::kIncompatible, "{} belongs to another base model; resume with the model it was made with", source);
  }
  for (const Setting& setting : now.settings) {
    const Setting* before = find_setting(saved, setting.name);
    if (before == nullptr) {
      fail(ErrorKind::kIncompatible,
           "{} was made by a version of patina that had no --{}; resume with that version, or begin anew", source,
           setting.name);
    }
    if (before->value != setting.value) {
      fail(ErrorKind::kIncompatible, "{} was made with --{} {}, not {}; give the same to resume", source, setting.name,
           io::printable(before->value), setting.value);
    }
  }
  if (saved.data_digest != now.data_digest) {
    fail(ErrorKind::kIncompatible, "{} belongs to other training data; resume with the same file, unchanged", source);
  }
  if (!std::ranges::equal(saved.parameters, now.parameters, same_layout)) {
    fail(ErrorKind::kIncompatible, "{} trains other tensors than this run; resume with the same LoRA settings", source);
  }
}

}  // namespace patina::train
