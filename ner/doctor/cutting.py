"""Whether raw text would be cut into the words that a model learns from this corpus."""

from ner.doctor.finding import Finding
from ner.doctor.reading import Readable
from ner.settings import DataConfig
from ner.text.recut import natural_cut, recut
from ner.text.sentence import Sentence, sentence_from_words


def examine_cut(readable: Readable, data: DataConfig) -> list[Finding]:
    """Of the words to learn from, those that come out otherwise when text is cut as the settings say."""
    sentences = []
    for written in readable.sentences:
        source = f"{readable.path}:{written.lines[0]}"
        if written.starts is None:
            sentences.append(sentence_from_words(written.words, written.tags, source=source))
        else:
            sentences.append(Sentence(None, written.tags, source=source, spelled=written.words, starts=written.starts))
    cut = data.tokenizer
    if cut == "auto":
        cut = natural_cut([word for written in readable.sentences for word in written.words])
    if (found := recut(sentences, cut)) is None:
        return []
    places = tuple(f"{source}: {how}" for source, how in found.examples)
    return [Finding("cut-otherwise", readable.path, found.found, found.remedy, places, found.otherwise)]
