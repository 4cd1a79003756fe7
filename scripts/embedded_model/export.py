"""Writes the trained model as a GGUF file: matrices quantized, norms in f32, the whole SentencePiece vocabulary inside."""

import argparse
from collections import Counter
from pathlib import Path

import gguf
import sentencepiece as spm
import torch

import corpus
from model import Shape
from prompt import CHAT_TEMPLATE, ask

RARE = 3  # occurrences in the training text


def write_vocabulary(w: gguf.GGUFWriter, sp: spm.SentencePieceProcessor) -> None:
    ids = range(sp.vocab_size())
    kinds = [gguf.TokenType.UNKNOWN if sp.is_unknown(i) else gguf.TokenType.CONTROL if sp.is_control(i) else
             gguf.TokenType.BYTE if sp.is_byte(i) else gguf.TokenType.NORMAL for i in ids]
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list([sp.id_to_piece(i).encode("utf-8") for i in ids])
    w.add_token_scores([sp.get_score(i) for i in ids])
    w.add_token_types(kinds)
    w.add_unk_token_id(sp.unk_id())
    w.add_bos_token_id(sp.bos_id())
    w.add_eos_token_id(sp.eos_id())
    w.add_add_bos_token(True)
    w.add_add_eos_token(False)
    w.add_add_space_prefix(True)
    w.add_chat_template(CHAT_TEMPLATE)


def write_shape(w: gguf.GGUFWriter, shape: Shape, kind: gguf.LlamaFileType) -> None:
    w.add_name("patina-tiny")
    w.add_description("A tiny English and Chinese question answerer, trained from scratch on generated text")
    w.add_license("MIT")
    w.add_languages(["en", "zh"])
    w.add_file_type(kind)
    w.add_quantization_version(gguf.GGML_QUANT_VERSION)
    w.add_vocab_size(shape.n_vocab)
    w.add_context_length(shape.n_ctx)
    w.add_embedding_length(shape.n_embd)
    w.add_block_count(shape.n_layer)
    w.add_feed_forward_length(shape.n_ff)
    w.add_head_count(shape.n_head)
    w.add_head_count_kv(shape.n_head)
    w.add_rope_dimension_count(shape.head_dim)
    w.add_rope_freq_base(shape.rope_base)
    w.add_layer_norm_rms_eps(shape.rms_eps)


def tell_rare_tokens_apart(embedding: torch.Tensor, sp: spm.SentencePieceProcessor) -> torch.Tensor:
    """Rows of tokens that training hardly met have drifted together, so that no adapter could tell them apart: each keeps their
    common part, which makes them unlikely, and gets a random part as large as that of the tokens that were learned."""
    text = corpus.build()
    met = Counter(token for line in text.plain + [ask(q) + a for _, q, a in text.pairs] for token in sp.encode(line))
    rare = torch.tensor([met[i] < RARE and not sp.is_control(i) for i in range(sp.vocab_size())])
    common, learned = embedding[rare].mean(0), embedding[~rare]
    size = (learned - learned.mean(0)).norm(dim=1).median()
    noise = torch.randn(embedding.shape, generator=torch.Generator().manual_seed(corpus.SEED))
    spread = common + noise * size / embedding.shape[1] ** 0.5
    print(f"{int(rare.sum())} rare tokens told apart")
    return torch.where(rare[:, None], spread, embedding)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=Path, help="holds tokenizer.model and model.pt")
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", default="Q8_0", choices=["F32", "F16", "Q8_0", "Q4_0"])
    args = parser.parse_args()
    saved = torch.load(args.dir / "model.pt", weights_only=True)
    sp = spm.SentencePieceProcessor(model_file=str(args.dir / "tokenizer.model"))
    kind = gguf.GGMLQuantizationType[args.type]
    file_type = gguf.LlamaFileType[{"F32": "ALL_F32"}.get(args.type, f"MOSTLY_{args.type}")]
    embedding = tell_rare_tokens_apart(saved["model"]["token_embd.weight"].float(), sp)
    saved["model"].update({"token_embd.weight": embedding, "output.weight": embedding})
    w = gguf.GGUFWriter(args.out, "llama")
    write_shape(w, Shape(**saved["shape"]), file_type)
    write_vocabulary(w, sp)
    for name, tensor in saved["model"].items():
        values = tensor.float().numpy()
        if values.ndim == 1:
            w.add_tensor(name, values)
        else:
            w.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
