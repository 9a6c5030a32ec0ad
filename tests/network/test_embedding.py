"""Embeddings against PyTorch's convolution and LSTM cell, one word at a time."""

import pytest
import torch
from torch import Tensor, nn

from ner.network.cell import Cell
from ner.network.characters import CharacterCNN, CharacterLSTM
from ner.network.embedding import TokenEmbedding
from ner.network.features.characters import CharacterTwin
from ner.network.features.gazetteers import GazetteerTwin
from ner.network.features.ids import IdTwin
from ner.network.features.lexicon import SoftLexicon
from ner.network.features.words import WordTwin
from ner.network.inputs import Inputs
from ner.network.tables import PADDING, WordEmbedding

NUM_CHARACTERS, CHARACTER_DIM = 12, 4
# Spellings of character ids, of 1 to 9 characters; the last two differ only in length.
SPELLINGS = [[5], [2, 3], [7, 8, 9, 10, 11, 2, 3, 4, 5], [6, 6, 6], [4, 4, 4, 4], [4, 4, 4]]


def padded(spellings: list[list[int]]) -> tuple[Tensor, Tensor]:
    width = max(map(len, spellings))
    rows = [spelling + [PADDING] * (width - len(spelling)) for spelling in spellings]
    return torch.tensor(rows), torch.tensor([len(spelling) for spelling in spellings])


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5])
def test_the_cnn_is_the_maximum_of_a_convolution_over_the_word_and_its_edges(kernel_size: int) -> None:
    torch.manual_seed(kernel_size)
    network = CharacterCNN(NUM_CHARACTERS, CHARACTER_DIM, 6, kernel_size=kernel_size, dropout=0.5).eval()
    convolution = nn.Conv1d(CHARACTER_DIM, 6, kernel_size)
    with torch.no_grad():
        convolution.weight.copy_(network.filters.weight.view(6, CHARACTER_DIM, kernel_size))
        assert convolution.bias is not None
        convolution.bias.copy_(network.filters.bias)
        left, right = kernel_size // 2, (kernel_size - 1) // 2
    wanted = torch.stack(
        [
            convolution(nn.functional.pad(network.embedding(torch.tensor(spelling)).T, (left, right))).amax(1)
            for spelling in SPELLINGS
        ]
    )
    found = network(*padded(SPELLINGS))
    assert found.shape == (len(SPELLINGS), network.output_dim)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)

    weights = torch.randn(found.shape)
    characters, filters = network.embedding.weight, network.filters.weight
    of_found = torch.autograd.grad((found * weights).sum(), (characters, filters))
    of_wanted = torch.autograd.grad((wanted * weights).sum(), (characters, convolution.weight))
    torch.testing.assert_close(of_found[0], of_wanted[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(of_found[1], of_wanted[1].flatten(1), rtol=0, atol=1e-5)


def test_the_cnn_of_no_words_is_no_encoding() -> None:
    network = CharacterCNN(NUM_CHARACTERS, CHARACTER_DIM, 6, kernel_size=3, dropout=0.5)
    nothing = torch.zeros(0, dtype=torch.long)
    assert network(nothing.view(0, 4), nothing).shape == (0, 6)


def test_the_character_lstm_is_a_plain_loop_of_cells_from_both_sides() -> None:
    torch.manual_seed(1)
    network = CharacterLSTM(NUM_CHARACTERS, CHARACTER_DIM, 3, dropout=0.5).eval()

    def last_state(layer: Cell | None, spelling: list[int]) -> Tensor:
        assert layer is not None
        cell = nn.LSTMCell(CHARACTER_DIM, 3)
        weights = layer.state_dict().items()
        cell.load_state_dict({key.removeprefix("fused.").removesuffix("_l0"): weight for key, weight in weights})
        state = (torch.zeros(1, 3), torch.zeros(1, 3))
        for character in spelling:
            state = cell(network.embedding.weight[character].unsqueeze(0), state)
        return state[0][0]

    with torch.no_grad():
        wanted = [
            torch.cat(
                [
                    last_state(network.layer.forward_cell, spelling),
                    last_state(network.layer.backward_cell, spelling[::-1]),
                ]
            )
            for spelling in SPELLINGS
        ]
        found = network(*padded(SPELLINGS))
    assert found.shape == (len(SPELLINGS), network.output_dim)
    torch.testing.assert_close(found, torch.stack(wanted), rtol=0, atol=1e-6)


@pytest.mark.parametrize("encoder", [CharacterCNN, CharacterLSTM])
def test_a_spelling_is_encoded_alike_whatever_stands_beside_it(encoder: type[nn.Module]) -> None:
    sizes = {"kernel_size": 3} if encoder is CharacterCNN else {}
    network = encoder(NUM_CHARACTERS, CHARACTER_DIM, 5, dropout=0.0, **sizes).eval()
    together = network(*padded(SPELLINGS))
    for row, spelling in enumerate(SPELLINGS):
        torch.testing.assert_close(network(*padded([spelling]))[0], together[row], rtol=0, atol=1e-6)


def test_many_spellings_are_read_in_parts_and_learned_from_as_one_by_one() -> None:
    torch.manual_seed(1)
    network = CharacterLSTM(NUM_CHARACTERS, CHARACTER_DIM, 5, dropout=0.0)
    spellings = [
        torch.randint(1, NUM_CHARACTERS, (length,)).tolist() for length in torch.randint(1, 30, (333,)).tolist()
    ]
    weights = torch.randn(len(spellings), network.output_dim)
    network._read(*padded(spellings)).mul(weights).sum().backward()
    wanted = [parameter.grad.clone() for parameter in network.parameters()]
    network.zero_grad()
    together = network(*padded(spellings))
    together.mul(weights).sum().backward()
    for parameter, gradient in zip(network.parameters(), wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-4)
    for row in (0, 150, 332):
        torch.testing.assert_close(network(*padded([spellings[row]]))[0], together[row], rtol=0, atol=1e-6)


@pytest.mark.parametrize("encoder", [CharacterCNN, CharacterLSTM])
def test_padding_characters_stay_zero_and_get_no_gradient(encoder: type[nn.Module]) -> None:
    sizes = {"kernel_size": 3} if encoder is CharacterCNN else {}
    network = encoder(NUM_CHARACTERS, CHARACTER_DIM, 5, dropout=0.0, **sizes)
    network(*padded(SPELLINGS)).square().sum().backward()
    assert not network.embedding.weight[PADDING].any()
    assert not network.embedding.weight.grad[PADDING].any()


def test_character_dropout_works_in_training_only() -> None:
    network = CharacterCNN(NUM_CHARACTERS, CHARACTER_DIM, 5, kernel_size=3, dropout=0.5)
    batch = padded(SPELLINGS)
    assert not torch.equal(network(*batch), network(*batch))
    network.eval()
    assert torch.equal(network(*batch), network(*batch))


def test_word_ids_read_the_trained_table_and_behind_it_the_fixed_one() -> None:
    embedding = WordEmbedding(4, 3, 2)
    embedding.extra.copy_(torch.tensor([[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]))
    rows = embedding.trained.weight.detach().tolist()
    words = torch.tensor([[1, 4, 3], [6, 0, 5]])
    wanted = [[rows[1], [0.5, 1.5], rows[3]], [[4.5, 5.5], [0.0, 0.0], [2.5, 3.5]]]
    assert embedding.look_up(words).tolist() == wanted
    assert embedding.look_up(words[:, :1]).tolist() == [[rows[1]], [[4.5, 5.5]]]
    assert embedding.look_up(torch.tensor([[2]])).tolist() == [[rows[2]]]


def test_the_fixed_table_is_no_parameter_and_the_trained_one_learns_only_what_was_read() -> None:
    embedding = WordEmbedding(4, 3, 2)
    assert [name for name, _ in embedding.named_parameters()] == ["trained.weight"]
    embedding.look_up(torch.tensor([[1, 4, 0]])).sum().backward()
    gradient = embedding.trained.weight.grad
    assert gradient is not None
    assert gradient.tolist() == [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]


def test_a_frozen_word_embedding_takes_no_gradient() -> None:
    assert not WordEmbedding(4, 3, 2, frozen=True).look_up(torch.tensor([[1, 4]])).requires_grad


def test_word_vectors_start_with_a_variance_of_one_by_their_width() -> None:
    torch.manual_seed(1)
    weight = WordEmbedding(20_000, 0, 10).trained.weight.detach()[1:]
    # Of 200,000 draws, the sample variance lies within 1% of the true one (its deviation is 0.2%).
    assert abs(float(weight.var()) - 0.1) < 0.001
    assert abs(float(weight.mean())) < 0.005


def inputs_of(words: list[list[int]], **parts: Tensor) -> Inputs:
    """A batch whose sentences are all as long; `lexicon__words` stands for the array `lexicon.words`."""
    ids = torch.tensor(words)
    arrays = {"words": ids, **{name.replace("__", "."): part for name, part in parts.items()}}
    lengths = torch.full((len(ids),), ids.shape[1])
    return Inputs(arrays, lengths, torch.ones_like(ids, dtype=torch.bool))


def test_a_token_is_its_word_then_its_characters_its_bigram_its_case_and_its_marks() -> None:
    words = WordTwin(5, 0, 3)
    characters = CharacterCNN(NUM_CHARACTERS, CHARACTER_DIM, 2, kernel_size=3, dropout=0.0)
    bigrams, casing = IdTwin("bigrams", 9, 4, many=True), IdTwin("casing", 4, 2)
    twins = {"words": words, "characters": CharacterTwin(characters), "bigrams": bigrams, "casing": casing}
    embedding = TokenEmbedding({**twins, "gazetteers": GazetteerTwin(2)}).eval()
    spellings, lengths = padded([[2, 3], [5, 6, 7]])
    marks = torch.tensor([[[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]])
    inputs = inputs_of(
        [[2, 3, 4]],
        bigrams=torch.tensor([[8, 1, 5]]),
        casing=torch.tensor([[1, 2, 3]]),
        gazetteers=marks,
        characters__spellings=spellings,
        characters__lengths=lengths,
        characters__where=torch.tensor([[1, 0, 1]]),
    )
    found = embedding(inputs)
    assert found.shape == (1, 3, embedding.output_dim)
    encoded = characters(spellings, lengths)
    for token, (word, pair, case, spelling) in enumerate([(2, 8, 1, 1), (3, 1, 2, 0), (4, 5, 3, 1)]):
        neighbours = [bigrams.table.weight[pair], casing.table.weight[case], marks[0, token]]
        parts = [words.trained.weight[word], encoded[spelling], *neighbours]
        assert torch.equal(found[0, token], torch.cat(parts))


def test_a_set_of_matches_is_the_weighted_sum_of_its_words_and_an_empty_set_is_zero() -> None:
    lexicon = SoftLexicon(WordEmbedding(3, 2, 2))
    lexicon.words.extra = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float16)
    # Set 1 of the first token has the words 2 and 4, set 3 of the second has word 3.
    inputs = inputs_of(
        [[1, 1]],
        lexicon__words=torch.tensor([2, 4, 3]),
        lexicon__weights=torch.tensor([1.0, 3.0, 4.0]),
        lexicon__sets=torch.tensor([1, 1, 7]),
    )
    found = lexicon(inputs)
    wanted = torch.zeros(1, 2, 8)
    wanted[0, 0, 2:4] = lexicon.words.trained.weight[2].detach() + 3 * torch.tensor([3.0, 4.0])
    wanted[0, 1, 6:8] = 4 * torch.tensor([1.0, 2.0])
    assert found.shape == (1, 2, lexicon.output_dim)
    assert torch.allclose(found, wanted)


def test_the_lexicon_stands_behind_the_word_and_its_trained_words_are_a_sparse_table() -> None:
    words, lexicon = WordTwin(5, 0, 3), SoftLexicon(WordEmbedding(3, 0, 2))
    embedding = TokenEmbedding({"words": words, "lexicon": lexicon})
    one = torch.tensor([1])
    inputs = inputs_of([[2]], lexicon__words=one, lexicon__weights=one.float(), lexicon__sets=torch.tensor([0]))
    assert torch.equal(embedding(inputs), torch.cat([words(inputs), lexicon(inputs)], dim=-1))
    assert embedding.output_dim == 3 + 8
    assert [id(table) for table in embedding.sparse_tables()] == [id(words.trained), id(lexicon.words.trained)]


def test_a_token_of_one_feature_is_its_word() -> None:
    words = WordTwin(5, 0, 3)
    embedding = TokenEmbedding({"words": words})
    inputs = inputs_of([[2, 3]])
    assert embedding.output_dim == 3
    assert torch.equal(embedding(inputs), words.look_up(inputs.arrays["words"]))
