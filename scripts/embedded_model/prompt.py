"""The one form in which the model is asked, trained and fine-tuned."""

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}{{ '### Response:\\n' + message['content'] + '\\n' }}"
    "{%- else -%}{{ '### Instruction:\\n' + message['content'] + '\\n' }}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '### Response:\\n' }}{%- endif -%}"
)


def ask(question: str) -> str:
    return f"### Instruction:\n{question}\n### Response:\n"


def is_right(answer: str, accepted: list[str]) -> bool:
    """Whether the answer holds one of the accepted strings, whatever their case."""
    return any(a.lower() in answer.lower() for a in accepted)
