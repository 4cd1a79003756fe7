#include "io/file_form.h"

#include <algorithm>

#include "base/error.h"

namespace patina::io {

namespace {

struct KnownForm {
  std::string_view magic;  // the first bytes of the file
  ErrorKind kind;
  std::string_view advice;  // completes "FILE is "
};

constexpr std::string_view kGgufMagic = "GGUF";
constexpr std::string_view kGgjtMagic = "tjgg";
constexpr std::string_view kGglaMagic = "algg";

// The magics of the ggml family are 32-bit numbers ('ggml', 'ggmf', ...), which a little-endian file shows backwards.
constexpr KnownForm kRefused[] = {
    {"lmgg", ErrorKind::kUnsupported,
     "an unversioned ggml file (before March 2023); convert the original model to GGUF, or download a GGUF file of it"},
    {"fmgg", ErrorKind::kUnsupported,
     "a ggmf file (March 2023); convert the original model to GGUF, or download a GGUF file of it"},
    {"FUGG", ErrorKind::kUnsupported,
     "a big-endian GGUF file; convert it with gguf-convert-endian of the Python package gguf"},
    {"PK\x03\x04", ErrorKind::kUnsupported,
     "a zip archive, perhaps a PyTorch checkpoint; convert it to GGUF with convert_hf_to_gguf.py of llama.cpp"},
    {"\x80\x02", ErrorKind::kUnsupported,
     "a pickled PyTorch checkpoint; convert it to GGUF with convert_hf_to_gguf.py of llama.cpp"},
    {"version https://git-lfs", ErrorKind::kInvalidData,
     "a Git LFS pointer, not the model itself; fetch it with `git lfs pull`"},
    {"<", ErrorKind::kInvalidData, "a web page, not a model; the download went wrong, download it again"},
};

// safetensors: the length of a JSON header in 8 bytes, then the header.
bool is_safetensors(std::string_view head) { return head.size() > 9 && head[8] == '{' && head[7] == '\0'; }

}  // namespace

FileForm detect_form(std::span<const std::byte> bytes, std::string_view source) {
  if (bytes.empty()) fail(ErrorKind::kInvalidData, "{} is empty; download it again", source);
  constexpr size_t kHeadBytes = 64;
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kHeadBytes));
  if (head.starts_with(kGgufMagic)) return FileForm::kGguf;
  if (head.starts_with(kGgjtMagic)) return FileForm::kGgjt;
  if (head.starts_with(kGglaMagic)) return FileForm::kGgla;
  if (is_safetensors(head)) return FileForm::kSafetensors;
  for (const KnownForm& form : kRefused) {
    if (head.starts_with(form.magic)) fail(form.kind, "{} is {}", source, form.advice);
  }
  fail(ErrorKind::kInvalidData, "{} is no model file: it begins neither as GGUF nor as GGJT does", source);
}

}  // namespace patina::io
