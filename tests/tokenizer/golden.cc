#include "tokenizer/golden.h"

#include <fstream>
#include <stdexcept>

namespace patina::tokenizer::golden {

nlohmann::json load(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  return nlohmann::json::parse(file);
}

Vocab vocab_from(const nlohmann::json& json) {
  Vocab vocab;
  vocab.model = json.at("model");
  vocab.pre = json.value("pre", "");
  vocab.tokens = json.at("tokens").get<std::vector<std::string>>();
  vocab.scores = json.value("scores", std::vector<float>());
  for (const int kind : json.value("kinds", std::vector<int>())) vocab.kinds.push_back(static_cast<TokenKind>(kind));
  vocab.merges = json.value("merges", std::vector<std::string>());
  vocab.bos = json.value("bos", kNoToken);
  vocab.eos = json.value("eos", kNoToken);
  vocab.eot = json.value("eot", kNoToken);
  vocab.unk = json.value("unk", kNoToken);
  vocab.add_bos = json.value("add_bos", -1);
  vocab.add_eos = json.value("add_eos", -1);
  vocab.add_space_prefix = json.value("add_space_prefix", -1);
  return vocab;
}

std::string text_from_hex(const std::string& hex) {
  std::string text;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) text += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return text;
}

}  // namespace patina::tokenizer::golden
