"""Where a head reads the first token alone, the last layer is computed for that token alone: the same logits, less work.

A BERT classifier pools its first token, so in the last layer the queries, the projection and the feed-forward network of
all the others are computed for nothing: ten twelfths of that layer's products, a seventh of those of six layers.
"""

from __future__ import annotations

from types import MethodType
from typing import Any


def skip_unread_tokens(model: Any) -> Any:
    """Let the last layer of a BERT sequence classifier compute its first token alone; any other model is left as it is.

    Weights, their names and the logits stay as they were; the hidden states of the last layer have one token.

    Args:
        model: of `transformers`; changed in place.

    Returns:
        The model.

    Example:
        >>> import torch
        >>> from transformers import BertConfig, BertForSequenceClassification
        >>> small = BertConfig(hidden_size=8, num_attention_heads=2, num_hidden_layers=1, intermediate_size=8, vocab_size=9)
        >>> model = skip_unread_tokens(BertForSequenceClassification(small))
        >>> model.bert(input_ids=torch.ones(1, 5, dtype=torch.long)).last_hidden_state.shape
        torch.Size([1, 1, 8])
    """
    from transformers import BertForSequenceClassification

    if isinstance(model, BertForSequenceClassification):
        last = model.bert.encoder.layer[-1]
        last.forward = MethodType(_first_token, last)
    return model


def _first_token(layer: Any, hidden_states: Any, attention_mask: Any = None, *_: Any, **__: Any) -> Any:
    """`BertLayer.forward` with the first token as its only query: (rows, tokens, size) to (rows, 1, size)."""
    from torch.nn.functional import scaled_dot_product_attention

    own, first = layer.attention.self, hidden_states[:, :1]

    def heads(states: Any) -> Any:
        return states.unflatten(-1, (-1, own.attention_head_size)).transpose(1, 2)

    seen = scaled_dot_product_attention(
        heads(own.query(first)),
        heads(own.key(hidden_states)),
        heads(own.value(hidden_states)),
        attn_mask=None if attention_mask is None else attention_mask[..., :1, :],
        dropout_p=own.dropout.p if layer.training else 0.0,
        scale=own.scaling,
    )
    return layer.feed_forward_chunk(layer.attention.output(seen.transpose(1, 2).flatten(2), first))
