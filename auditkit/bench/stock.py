"""Any sequence classifier of transformers as a subject.

Documents go through one by one, without padding. An answer then depends on nothing but its
document, as it must: a batch rounds otherwise than its rows do, and dynamic quantisation takes its
scale from all that goes through at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import CONFIG_MAPPING, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING

from auditkit.bench.subjects import Answer, Encoded, Subject
from auditkit.errors import CheckpointError, TraceError
from auditkit.ltp.declared import TOGETHER, UNTRAINED, class_names
from auditkit.ltp.inference import hardware
from auditkit.ltp.layouts import BUFFERS
from auditkit.ltp.reading import read_declared
from auditkit.ltp.stored import cause, read_tensors, shown
from auditkit.ltp.weights import check_dense, check_finite
from auditkit.trace import Arm

HEADS = (
    "classifier.weight", "classifier.out_proj.weight", "score.weight", "logits_proj.weight",
    "classification_head.out_proj.weight", "sequence_summary.summary.weight",
)  # fmt: skip
"""What classifiers call the weight that has a row for each class, in the order of looking."""

_NOT_OURS = (
    "auto_map", "quantization_config", "architectures", "dtype", "torch_dtype", "_name_or_path",
    "transformers_version", "attn_implementation", "_attn_implementation", "model_type",
)  # fmt: skip
"""What a config.json may say of code, files and arithmetic, which is not its to decide."""


_SIZES = (
    "num_hidden_layers", "n_layers", "vocab_size", "hidden_size", "dim", "intermediate_size",
    "hidden_dim", "num_attention_heads", "n_heads", "max_position_embeddings", "type_vocab_size",
    "n_layer", "n_embd", "n_head", "n_positions", "n_inner", "d_model", "embedding_size",
)  # fmt: skip
"""What a config.json says of sizes."""
_LAYERS = ("num_hidden_layers", "n_layers", "n_layer")
"""Of these, numbers of layers: each has a weight of its own, or several."""


UNBOUNDED = 512
"""Tokens that are read of a document by a model that could read any number."""


@dataclass(frozen=True)
class StockSubject(Subject):
    """A classifier as transformers runs it; it drops no tokens, and its MACs are not counted."""

    model: PreTrainedModel

    @property
    def hardware(self) -> tuple[str, int]:
        """What it runs on, and threads of the CPU."""
        return hardware(self.model.device)

    def answers(
        self,
        arm: Arm,
        documents: Sequence[Encoded],
        batch_tokens: int,
        depths: Sequence[np.ndarray] | None,
        masks: Mapping[str, Sequence[np.ndarray]],
    ) -> Iterator[list[tuple[int, Answer]]]:
        """Which document and its answer, one by one."""
        if masks.keys() - {"read"}:
            raise TraceError(f"arm {arm.name} drops no tokens, so that none can be kept or dropped")
        layers = self.about.layers
        read = masks.get("read") or [np.ones(len(d.token_ids), dtype=bool) for d in documents]
        for index, (document, there) in enumerate(zip(documents, read, strict=True)):
            tokens = len(document.token_ids)
            answer = self.answer_of(
                logits_of(self.model, document.token_ids, there),
                np.full(tokens, layers, dtype=np.int8),
                np.full(layers + 1, tokens, dtype=np.int64),
            )
            yield [(index, answer)]

    def answer_of(self, logits: np.ndarray, depths: np.ndarray, lengths: np.ndarray) -> Answer:
        """The answer of which the model gave these logits (C',)."""
        probs = torch.softmax(torch.from_numpy(logits), -1).numpy()
        return Answer(self.grouped(probs[None])[0], depths, lengths)


@torch.inference_mode()
def logits_of(model: PreTrainedModel, token_ids: Sequence[int], read: np.ndarray) -> np.ndarray:
    """(C,) float32 logits of a document; tokens that are not `read` (n,) are masked.

    Raises:
        CheckpointError: What the model says is no number, or it cannot read the document.
    """
    try:
        output = model(
            input_ids=torch.tensor([list(token_ids)], device=model.device),
            attention_mask=torch.tensor(read[None].astype(np.int64), device=model.device),
        )
    except (RuntimeError, IndexError, ValueError) as error:
        raise CheckpointError(
            f"the model breaks on a document of {len(token_ids)} tokens ({cause(error)}); give a "
            "smaller --max-length, or another checkpoint"
        ) from error
    logits = output.logits[0].float()
    if not logits.isfinite().all():
        raise CheckpointError(
            "the model's answers are not numbers; its weights are damaged, or half precision is "
            "too narrow for them: download it again, or give --dtype float32"
        )
    found: np.ndarray = logits.cpu().numpy()
    return found


def load_stock(name: str, dtype: torch.dtype) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """Open a sequence classifier of transformers, and the names of its classes.

    Raises:
        CheckpointError: It is not there, is damaged, comes with code of its own, is quantised on
            disk, or has a head that does not choose one class of several.
    """
    path, raw = read_declared(name)
    config, kind = _configuration(name, raw)
    state = read_tensors(name, path)
    _check_sizes(name, raw, state)
    check_dense(name, {key: value for key, value in state.items() if not key.endswith(BUFFERS)})
    labels = class_names(name, raw, state, next((h for h in HEADS if h in state), HEADS[0]))
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    try:
        opened: Any = kind.from_pretrained(
            None, config=config, state_dict=dict(state), dtype=dtype, output_loading_info=True
        )
    except Exception as error:
        raise CheckpointError(f"{name}: cannot be opened ({cause(error)}); {UNTRAINED}") from error
    model: PreTrainedModel = opened[0]
    for missing in sorted(map(str, opened[1]["missing_keys"])):
        raise CheckpointError(f"{name}: the weight {shown(missing)} is missing; {UNTRAINED}")
    check_finite(name, dict(model.named_parameters()))
    model.requires_grad_(False).eval()  # type: ignore[no-untyped-call]
    return model, labels


def _check_sizes(name: str, raw: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> None:
    """Make sure that no more is declared than the weights can hold: it would be built first."""
    most = max((weight.numel() for weight in state.values()), default=0)
    for key in _SIZES:
        limit = len(state) if key in _LAYERS else most
        if isinstance(value := raw.get(key), int | float) and value > limit:
            raise CheckpointError(
                f"{name}: {key} is {shown(value)}, more than the weights hold; {TOGETHER}"
            )


def _configuration(name: str, raw: Mapping[str, Any]) -> tuple[PretrainedConfig, Any]:
    """The configuration as transformers has it, and the class of its classifier."""
    kind = raw.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise CheckpointError(
            f"{name}: model_type is {shown(kind)}, which transformers does not know; code that "
            "comes with a checkpoint is not run: give a classifier of an architecture that it has"
        )
    if raw.get("quantization_config") is not None:
        raise CheckpointError(
            f"{name}: its weights are quantised on disk (quantization_config); give the "
            "checkpoint in full precision, and quantise it here with --quantize int8"
        )
    try:
        own = {key: value for key, value in raw.items() if key not in _NOT_OURS}
        config = CONFIG_MAPPING[kind].from_dict(own)
        return config, MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(config)]
    except KeyError as error:
        raise CheckpointError(
            f"{name}: transformers has no sequence classifier for model_type {shown(kind)}"
        ) from error
    except Exception as error:
        raise CheckpointError(f"{name}: config.json makes no model: {cause(error)}") from error


def positions(model: PreTrainedModel) -> int:
    """The longest document that a model has positions for, special tokens included."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            padding = module.padding_idx
            return module.num_embeddings - (0 if padding is None else padding + 1)
    try:
        return int(getattr(model.config, "max_position_embeddings", None) or UNBOUNDED)
    except NotImplementedError:  # as configurations say that have no bound
        return UNBOUNDED


def sizes(model: PreTrainedModel) -> dict[str, int]:
    """Layers, width, heads and width of the FFN, 0 where the configuration does not say."""
    names = {
        "layers": ("num_hidden_layers", "n_layers"),
        "hidden_size": ("hidden_size", "dim"),
        "heads": ("num_attention_heads", "n_heads"),
        "intermediate_size": ("intermediate_size", "hidden_dim"),
    }
    found = {}
    for key, ways in names.items():
        values = (getattr(model.config, way, None) for way in ways)
        found[key] = next((value for value in values if isinstance(value, int)), 0)
    return found
