"""Makes tests/golden/tokenizer/chat.json: conversations as the models' own Jinja templates render them (jinja2).

    python scripts/golden/chat.py LLAMA_CPP [--with-sources OUTPUT]

The templates are read from a llama.cpp source tree (models/templates and tests/test-chat-template.cpp) and are not
copied into the golden file; --with-sources writes a file with them for tests/tokenizer/oracle_test.cc, to check that
they are recognised.
"""

import ast
import json
import pathlib
import re
import sys

import jinja2.sandbox

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/tokenizer/chat.json"

# Template -> format, BOS, EOS, whether system messages are compared (some templates put them elsewhere, or refuse them).
TEMPLATES = {
    "Llama-3": ("llama3", "<|begin_of_text|>", "<|eot_id|>", True),
    "teknium/OpenHermes-2.5-Mistral-7B": ("chatml", "<s>", "</s>", True),
    "Qwen-Qwen2.5-7B-Instruct.jinja": ("chatml", "", "<|im_end|>", "only"),  # adds one of its own where there is none
    "Qwen-Qwen3-0.6B.jinja": ("chatml", "", "<|im_end|>", True),
    "google/gemma-7b-it": ("gemma", "<bos>", "<eos>", False),
    "google-gemma-2-2b-it.jinja": ("gemma", "<bos>", "<eos>", False),
    "TheBloke/FusionNet_34Bx2_MoE-AWQ": ("llama2", "<s>", "</s>", None),
    "bofenghuang/vigogne-2-70b-chat": ("llama2", "<s>", "</s>", None),
    "mistralai/Mistral-7B-Instruct-v0.2 (NOTE: Old pre-v1 without a system prompt)": ("mistral", "<s>", "</s>", None),
    "mistralai/Mistral-7B-Instruct-v0.2 (mistralai 'v1' template with a system prompt)": ("mistral", "<s>", "</s>", None),
    "Mistral-Large-Instruct-2407 (mistralai 'v3' template; modified to have system prompt at start)":
        ("mistral-v3", "<s>", "</s>", False),
    "Mistral-Nemo-Instruct-2407 (mistralai 'v3-tekken' template; modified to have system prompt at start)":
        ("mistral-tekken", "<s>", "</s>", False),
    "mistralai-Mistral-Nemo-Instruct-2407.jinja": ("mistral-tekken", "<s>", "</s>", False),
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja":
        ("deepseek-r1", "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", True),
    "meta-llama-Llama-3.1-8B-Instruct.jinja": ("llama3", "<|begin_of_text|>", "<|eot_id|>", None),
    "meta-llama-Llama-3.2-3B-Instruct.jinja": ("llama3", "<|begin_of_text|>", "<|eot_id|>", None),
    "Mistral-Small-3.2-24B-Instruct-2506.jinja": ("mistral-v7", "<s>", "</s>", "only"),
    "zephyr": ("zephyr", "<s>", "</s>", True),
    "llama2": ("llama2", "<s>", "</s>", True),
    "microsoft-Phi-3.5-mini-instruct.jinja": ("", "", "", None),
    "phi-4": ("", "", "", None),
    "ibm-granite-granite-3.3-2B-Instruct.jinja": ("", "", "", None),
    "CohereForAI/c4ai-command-r-plus": ("", "", "", None),
}
# HuggingFaceH4/zephyr-7b-beta and TinyLlama-1.1B-Chat-v1.0, tokenizer_config.json.
ZEPHYR = ("{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n"
          "{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
          "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
          "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}")
# meta-llama/Llama-2-7b-chat-hf, tokenizer_config.json.
LLAMA2 = ("{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = "
          "messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}"
          "{% for message in loop_messages %}{% if loop.index0 == 0 and system_message != false %}{% set content = "
          "'<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = "
          "message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + "
          "' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}"
          "{% endfor %}")

USER = {"role": "user", "content": "讲一个笑话。"}
ANSWER = {"role": "assistant", "content": "为什么鱼不说话？"}
AGAIN = {"role": "user", "content": "Which is sweeter,\nan apple or an orange?"}
SYSTEM = {"role": "system", "content": "Be brief."}
CONVERSATIONS = [[USER], [USER, ANSWER, AGAIN], [SYSTEM, USER], [SYSTEM, USER, ANSWER, AGAIN]]


def sources(tree):
    tree = pathlib.Path(tree)
    found = {path.name: path.read_text() for path in (tree / "models/templates").glob("*.jinja")}
    test = (tree / "tests/test-chat-template.cpp").read_text()
    for name, literal in re.findall(r'\.name= \*/ "(.*?)",\s*/\* \.template_str= \*/ (".*?"),\n', test):
        found[name] = ast.literal_eval(literal)
    return {**found, "zephyr": ZEPHYR, "llama2": LLAMA2}


def render(source, messages, bos, eos):
    def refuse(message):
        raise ValueError(message)

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: "today"
    text = environment.from_string(source).render(messages=messages, bos_token=bos, eos_token=eos,
                                                  add_generation_prompt=True)
    # Whether a model begins by thinking is the model's choice here.
    return text.removeprefix(bos).removesuffix("<think>\n</think>").removesuffix("<think>\n")


def main(tree, *options):
    templates = sources(tree)
    golden, recognised = [], []
    for name, (form, bos, eos, system) in TEMPLATES.items():
        recognised.append({"name": name, "jinja": templates[name], "format": form})
        if system is None:  # only recognised
            continue
        for messages in CONVERSATIONS:
            has_system = messages[0]["role"] == "system"
            if (has_system and system is False) or (not has_system and system == "only"):
                continue
            golden.append({"template": name, "format": form, "messages": messages,
                           "text": render(templates[name], messages, bos, eos)})
    if options:
        pathlib.Path(options[1]).write_text(json.dumps(recognised, ensure_ascii=False))
    else:
        GOLDEN.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
