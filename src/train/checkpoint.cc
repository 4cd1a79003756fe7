#include "train/checkpoint.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "io/printable.h"
#include "train/digest.h"

namespace patina::train {
namespace {

constexpr std::string_view kType = "checkpoint";
constexpr uint64_t kVersion = 1;
constexpr std::string_view kVersionKey = "checkpoint.version";
constexpr std::string_view kStepKey = "checkpoint.step";
constexpr std::string_view kEpochKey = "checkpoint.epoch";
constexpr std::string_view kEpochStepKey = "checkpoint.epoch_step";
constexpr std::string_view kBaseKey = "checkpoint.base_fingerprint";
constexpr std::string_view kDataKey = "checkpoint.data_digest";
constexpr std::string_view kChecksumKey = "checkpoint.checksum";
constexpr std::string_view kSettingPrefix = "checkpoint.setting.";
constexpr std::array<std::string_view, 3> kParts = {"", ".first_moment", ".second_moment"};

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

std::vector<ParameterState> parameters_of(std::span<const io::TensorInfo> tensors, std::string_view source) {
  if (tensors.size() % kParts.size() != 0) fail_corrupt(source, "a tensor is missing");
  std::vector<ParameterState> parameters;
  for (size_t i = 0; i < tensors.size(); i += kParts.size()) {
    const io::TensorInfo& value = tensors[i];
    for (size_t part = 0; part < kParts.size(); ++part) {
      const io::TensorInfo& tensor = tensors[i + part];
      if (tensor.name != value.name + std::string(kParts[part]) || tensor.type != quant::DType::kF32 ||
          tensor.shape != value.shape) {
        fail_corrupt(source, fmt::format("the tensor {} is out of place", io::printable(tensor.name)));
      }
    }
    parameters.push_back(
        {value.name, value.shape, floats_of(value), floats_of(tensors[i + 1]), floats_of(tensors[i + 2])});
  }
  return parameters;
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
  for (const ParameterState& parameter : checkpoint.parameters) {
    const std::array parts = {parameter.value, parameter.first_moment, parameter.second_moment};
    for (size_t i = 0; i < parts.size(); ++i) {
      const std::string name = parameter.name + std::string(kParts[i]);
      tensors.push_back({name, quant::DType::kF32, parameter.shape, std::as_bytes(parts[i])});
      to_write.push_back({name, quant::DType::kF32, parameter.shape, std::as_bytes(parts[i])});
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
    if (before == nullptr) fail_corrupt(source, fmt::format("it does not say --{}", setting.name));
    if (before->value != setting.value) {
      fail(ErrorKind::kIncompatible, "{} was made with --{} {}, not {}; give the same to resume", source, setting.name,
           io::printable(before->value), setting.value);
    }
  }
  if (saved.data_digest != now.data_digest) {
    fail(ErrorKind::kIncompatible, "{} belongs to other training data; resume with the same file, unchanged", source);
  }
  const bool same_parameters = std::equal(
      saved.parameters.begin(), saved.parameters.end(), now.parameters.begin(), now.parameters.end(),
      [](const ParameterState& a, const ParameterState& b) { return a.name == b.name && a.shape == b.shape; });
  if (!same_parameters) {
    fail(ErrorKind::kIncompatible, "{} trains other tensors than this run; resume with the same LoRA settings", source);
  }
}

}  // namespace patina::train
