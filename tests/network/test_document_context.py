"""Scores from other occurrences against a plain loop over tokens."""

import torch

from ner.network.features.document_context import NUM_NEIGHBOURS, DocumentContextTwin
from ner.network.tables import WordEmbedding
from tests.network.test_embedding import inputs_of

WORDS, WIDTH, HIDDEN, TAGS = 9, 3, 5, 4


def make() -> tuple[DocumentContextTwin, WordEmbedding]:
    torch.manual_seed(1)
    words = WordEmbedding(WORDS - 2, 2, WIDTH)
    words.extra.copy_(torch.randn(2, WIDTH))
    return DocumentContextTwin(WIDTH, HIDDEN, TAGS, dropout=0.5), words


def test_a_token_with_other_occurrences_gets_scores_from_their_neighbours_and_no_other_token_does() -> None:
    context, words = make()
    context.eval()
    # Of the second sentence's first token: sets 0 and 3; of its third: set 5, two words; the last words are pretrained.
    inputs = inputs_of(
        [[2, 3, 0], [4, 5, 6]],
        document_context__words=torch.tensor([2, 8, 3, 7]),
        document_context__weights=torch.tensor([1.0, 0.5, 0.5, 0.25]),
        document_context__sets=torch.tensor([0, 3, 5, 5]),
        document_context__tokens=torch.tensor([3, 5]),
    )
    vectors = torch.cat([words.trained.weight, words.extra.float()])
    around = torch.zeros(2, NUM_NEIGHBOURS, WIDTH)
    around[0, 0], around[0, 3], around[1, 1] = vectors[2], vectors[8] / 2, vectors[3] / 2 + vectors[7] / 4
    wanted = torch.zeros(2, 3, TAGS)
    for token, own in ((0, around[0]), (2, around[1])):
        hidden = torch.tanh(context.hidden.weight @ own.reshape(-1) + context.hidden.bias)
        wanted[1, token] = context.scores.weight @ hidden
    torch.testing.assert_close(context(inputs, words), wanted)


def test_the_word_vectors_are_left_to_where_the_words_stand() -> None:
    context, words = make()
    one = torch.tensor([1])
    some = {"words": torch.tensor([2]), "weights": torch.ones(1), "sets": one, "tokens": one}
    inputs = inputs_of([[2, 3]], **{f"document_context__{name}": array for name, array in some.items()})
    context(inputs, words).sum().backward()
    assert words.trained.weight.grad is None
    assert context.scores.weight.grad is not None


def test_a_batch_without_other_occurrences_has_nothing_to_say() -> None:
    context, words = make()
    assert context(inputs_of([[2, 3]]), words) is None
