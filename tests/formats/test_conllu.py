"""CoNLL-U and its kin in and out: exact texts, every byte kept, what differs told."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.files import read_documents, write_documents
from ner.formats.format import Losses
from ner.formats.table import looks_like, name_for_reading, take_sample

OPEN = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "open"


def row(number, form, misc="_", upos="X"):
    return "\t".join([str(number), form, "_", upos, "_", "_", "_", "_", "_", misc]) + "\n"


CONLLU = (
    "# newdoc id = a=b\n# sent_id = 1\n# text = I don't go du Lac.\n"
    + row(1, "I", "NE=O|Entity=(e1-person)|Gloss=a=b,c")
    + row("2-3", "don't")
    + row(2, "do", "NE=O")
    + row(3, "n't", "NE=O")
    + row(4, "go", "NE=O")
    + row("5-6", "du")
    + row(5, "de", "NE=O")
    + row(6, "le", "NE=B-LOC")
    + row(7, "Lac", "SpaceAfter=No|NE=I-LOC")
    + row("7.1", "gone", "NE=B-X")
    + row(8, ".", "NE=O|SpacesAfter=\\s\\n")
    + "\n# newpar\n# text = Zoë ran\n"
    + row(1, "Zoë", "NE=B-PER")
    + row(2, "ran", "_")
    + "\n\n# newdoc\n"
    + row(1, "#x", "NE=B-ORG")
    + "\n"
)
UNER = "# newdoc id = d\n# text = In #Rome, now.\n"
UNER += "1\tIn\tO\t-\t-\n2\t#Rome\tB-LOC\t-\tx\n3\t,\tO\t-\t-\n4\tnow.\tO\t-\t-\n\n"
PLUS = "# global.columns = FORM LEMMA X:NER\n#Rome\tr\tB-LOC\n#\t_\tO\n\n# text = a\tb\na\t_\tO\nb\t_\tB-PER\n\n"
GERMEVAL = "#\thttp://x\t[2010]\n1\tUni\tB-ORG\tO\n2\tKöln\tI-ORG\tB-LOCpart\n\n#\thttp://y\t[2011]\n1\tda\tO\tO\n\n"
ONTONOTES = (
    "#begin document (bc/x); part 000\n"
    "bc/x  0 0  the DT (TOP* - - - -  (ORG*  * -\nbc/x  0 1  Rome NN * - - - -  (GPE)  * -\n"
    "bc/x  0 2  Bank NN *) - - - -  *)  * -\n\n#end document\n"
    "#begin document (bc/x); part 001\nbc/x 1 0 Bob NN * - - - - (PERSON*) -\n\n#end document\n"
)
FILES = {"conllu": CONLLU, "uner": UNER, "conllup": PLUS, "germeval": GERMEVAL, "conll2012": ONTONOTES}


@pytest.fixture
def put(tmp_path):
    def write(content: str, name: str = "file") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode())
        return path

    return write


def read(path, losses=None, **keys):
    return list(read_documents(path, DataConfig(**keys), losses or Losses()))


def found(documents):
    return [[(e.label, e.text, e.start) for e in document.entities] for document in documents]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_is_recognized_as_of_its_format_alone_and_written_again_byte_for_byte(put, tmp_path, name, end):
    path = put(FILES[name].replace("\n", end))
    assert looks_like(take_sample(path)) == [name]
    losses = Losses()
    write_documents(tmp_path / "again", read(path), name, DataConfig(), losses)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    assert not losses.counts


@pytest.mark.parametrize("name", FILES)
def test_a_file_comes_back_byte_for_byte_from_json_lines_too(put, tmp_path, name):
    path = put(FILES[name])
    documents = [replace(d, sentences=()) for d in read(path)]
    ner.write(tmp_path / "x.jsonl", documents)
    kept = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    documents = [replace(d, meta={name: k[name]}) for d, k in zip(documents, kept, strict=True)]
    ner.write(tmp_path / "again", documents, name)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_texts_are_exact_and_words_written_as_one_are_one_token_unless_they_are_its_parts(put):
    losses = Losses()
    path = put(CONLLU)
    documents = read(path, losses)
    assert [d.text for d in documents] == ["I don't go du Lac. \nZoë ran", "#x"]
    assert [d.id for d in documents] == ["a=b", None]
    assert [s.words for s in documents[0].sentences] == [
        ["I", "do", "n't", "go", "du", "Lac", "."],
        ["Zoë", "ran"],
    ]
    assert found(documents) == [[("LOC", "du Lac", 11), ("PER", "Zoë", 20)], [("ORG", "#x", 0)]]
    assert losses.lines() == [
        f"once: entities of words that were never written: left out ({path}:13)",
        f"once: entities that end within a written word: they grow to all of it ({path}:11)",
    ]


def test_paragraphs_have_an_empty_line_between_where_nothing_else_is_said(put):
    content = "# newdoc\n" + row(1, "a") + "\n# newpar\n" + row(1, "b") + "\n" + row(1, "c") + "\n"
    assert [d.text for d in read(put(content))] == ["a\n\nb c"]


def test_the_library_conllu_reads_the_same_words_where_nothing_is_odd(put):
    conllu = pytest.importorskip("conllu", reason="the package conllu is not installed")
    content = "# text = Bob ran.\n" + row(1, "Bob", "NE=B-PER") + row(2, "ran", "SpaceAfter=No") + row(3, ".") + "\n"
    sentences = [s for d in read(put(content)) for s in d.sentences]
    assert [s.words for s in sentences] == [[token["form"] for token in s] for s in conllu.parse(content)]


def test_what_text_says_otherwise_is_told(put):
    losses = Losses()
    content = "# text = Bob ran\n" + row(1, "Bob", "SpaceAfter=No") + row(2, "ran") + "\n"
    content += "# text = Ann ran\n" + row(1, "Anna") + row(2, "ran") + "\n"
    path = put(content)
    assert [d.text for d in read(path, losses)] == ["Bob ran", "Anna ran"]
    assert losses.lines() == [
        f"once: sentences with other blanks in `# text` than in their rows: taken from `# text` ({path}:1)",
        f"once: sentences whose words aren't those of `# text`: their text is made of the words ({path}:5)",
    ]


@pytest.mark.parametrize("key", ["NE", "ner", "NER", "name"])
def test_the_key_that_has_tags_is_found(put, key):
    content = row(1, "Bob", f"name=Anna|{key}=B-PER" if key != "name" else "name=B-PER") + row(2, "ran", f"{key}=O")
    documents = read(put(content))
    assert found(documents) == [[("PER", "Bob", 0)]]
    assert documents[0].meta["conllu"]["layer"] == key


def test_a_file_without_tags_has_sentences_without_them_and_gets_those_that_are_found(put, tmp_path):
    content = row(1, "Bob", "Entity=(e1)") + row(2, "ran") + "\n"
    (document,) = read(put(content))
    assert document.sentences[0].tags is None
    ner.write(tmp_path / "b", [replace(document, entities=(ner.Entity("PER", "Bob", 0, 3),))], "conllu")
    assert (tmp_path / "b").read_text() == content.replace("Entity=(e1)", "Entity=(e1)|NE=B-PER")


def test_only_rows_whose_entity_is_another_are_changed(put, tmp_path):
    documents = read(put(CONLLU))
    first = documents[0]
    changed = replace(first, sentences=(), entities=(*first.entities[:1], ner.Entity("ORG", "ran", 24, 27)))
    ner.write(tmp_path / "b", [changed, documents[1]], "conllu")
    wanted = CONLLU.replace("\tNE=B-PER", "\tNE=O").replace(row(2, "ran"), row(2, "ran", "NE=B-ORG"))
    assert (tmp_path / "b").read_text() == wanted


def test_a_document_whose_text_was_changed_is_written_anew_and_that_is_told(put, tmp_path):
    losses = Losses()
    (document,) = read(put(row(1, "Bob", "NE=B-PER|Gloss=x") + "\n"))
    changed = ner.Document("Rob", (), (ner.Entity("PER", "Rob", 0, 3),), meta=document.meta)
    write_documents(tmp_path / "b", [changed], "conllu", DataConfig(), losses)
    assert losses.lines() == [
        "once: documents whose text, tokens or sentences are no longer those of their file: its other columns are left "
        "out (document)"
    ]
    assert (tmp_path / "b").read_text() == "# text = Rob\n1\tRob" + "\t_" * 7 + "\tNE=B-PER\n\n"


@given(
    words=st.lists(st.text(st.sampled_from("ab#é漢\u0301\U0001f600\u2028|=\\-"), min_size=1), min_size=1, max_size=6),
    blanks=st.lists(st.sampled_from(["", " ", "\n", "\r\n", "\t", "\u00a0", "  "]), min_size=7, max_size=7),
)
def test_words_and_blanks_of_any_kind_come_back_exactly(tmp_path, words, blanks):
    text, starts = blanks[-1], []
    for word, blank in zip(words, blanks, strict=False):
        starts.append(len(text))
        text += word + blank
    sentence = ner.Sentence(spelled=tuple(words), starts=tuple(starts), tags=("B-PER", *["O"] * (len(words) - 1)))
    entity = ner.Entity("PER", words[0], starts[0], starts[0] + len(words[0]))
    given = ner.Document(text, (sentence,), (entity,), "x")
    for name in ("conllu", "conllup"):
        ner.write(tmp_path / "a", [given], name)
        (again,) = read(tmp_path / "a", format=name)
        assert (again.text, again.entities, again.id) == (text, (entity,), "x")
        assert [s.spelled for s in again.sentences] == [tuple(words)]


def test_the_columns_of_uner_have_the_offsets_of_their_text_and_words_that_begin_with_a_hash(put):
    (document,) = read(put(UNER))
    assert (document.text, document.id) == ("In #Rome, now.", "d")
    assert found([document]) == [[("LOC", "#Rome", 3)]]


def test_a_named_column_is_read_and_its_header_stands_where_it_is_needed(put, tmp_path):
    path = put(PLUS)
    documents = read(path)
    assert found(documents) == [[("LOC", "#Rome", 0)], [("PER", "b", 2)]]
    ner.write(tmp_path / "b", documents[1:], "conllup")
    assert (tmp_path / "b").read_text() == "# global.columns = FORM LEMMA X:NER\n" + PLUS.partition("\n\n")[2]
    with pytest.raises(DataError) as error:
        read(path, layer="Y")
    assert str(error.value) == f"{path}:1: expected a column Y (data.layer), found columns FORM LEMMA X:NER"


@pytest.mark.parametrize(
    ("layer", "entities", "tags"),
    [
        (None, [("ORG", "Uni Köln", 0), ("LOCpart", "Köln", 4)], ("B-ORG", "I-ORG")),
        ("outer", [("ORG", "Uni Köln", 0)], ("B-ORG", "I-ORG")),
        ("inner", [("LOCpart", "Köln", 4)], ("O", "B-LOCpart")),
    ],
)
def test_the_layer_to_learn_is_a_setting_and_the_other_is_counted(put, tmp_path, layer, entities, tags):
    losses = Losses()
    path = put(GERMEVAL)
    documents = read(path, losses, layer=layer)
    assert found(documents) == [entities, []]
    assert documents[0].sentences[0].tags == tags
    assert documents[0].id == "http://x"
    told = f"entities of the other layer than {layer}: not read, kept in the lines of their sentences"
    assert losses.lines() == ([f"once: {told} ({path}:2)"] if layer else [])
    ner.write(tmp_path / "b", documents, "germeval")
    assert (tmp_path / "b").read_text() == GERMEVAL
    changed = replace(documents[0], sentences=(), entities=())
    ner.write(tmp_path / "b", [changed], "germeval")
    left = (tmp_path / "b").read_text().splitlines()
    assert left[2].split("\t")[2:] == {None: ["O", "O"], "outer": ["O", "B-LOCpart"], "inner": ["I-ORG", "O"]}[layer]


def test_inner_entities_are_written_in_the_inner_column(tmp_path):
    entities = (ner.Entity("LOC", "Köln", 4, 8), ner.Entity("ORG", "Uni Köln", 0, 8))
    ner.write(tmp_path / "b", [ner.Document("Uni Köln", (), entities)], "germeval")
    assert (tmp_path / "b").read_text() == "1\tUni\tB-ORG\tO\n2\tKöln\tI-ORG\tB-LOC\n\n"


def test_brackets_of_ontonotes_are_entities_the_outermost_tags(put):
    documents = read(put(ONTONOTES))
    assert found(documents) == [[("ORG", "the Rome Bank", 0), ("GPE", "Rome", 4)], [("PERSON", "Bob", 0)]]
    assert documents[0].sentences[0].tags == ("B-ORG", "I-ORG", "I-ORG")
    assert [d.id for d in documents] == ["bc/x", "bc/x; part 001"]


def test_brackets_are_written_between_the_lines_of_their_document(tmp_path):
    entities = (ner.Entity("GPE", "Rome", 0, 4), ner.Entity("ORG", "Rome Bank", 0, 9))
    ner.write(tmp_path / "b", [ner.Document("Rome Bank", (), entities, "x")], "conll2012")
    assert (tmp_path / "b").read_text() == (
        "#begin document (x); part 000\nx 0 0 Rome - * - - - - (ORG(GPE) -\nx 0 1 Bank - * - - - - *) -\n\n"
        "#end document\n"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("conllu", "1\tBob\n", ":1: expected 10 columns with TABs between, found 2: '1\\tBob'"),
        ("conllu", row(1, ""), ":1: expected a word in column 1, found none"),
        (
            "conllu",
            row("3-4", "x"),
            ":1: expected the number of a word (1), found '3-4' in '3-4\\tx\\t_\\tX\\t_\\t_\\t_\\t_\\t_\\t_'",
        ),
        (
            "conllup",
            "a\tb\n",
            ":1: expected a line `# global.columns = …` with a column FORM, found none before the first row",
        ),
        (
            "conllup",
            "# global.columns = FORM X\na\tb\n",
            ":1: expected a column of entities, such as NER, found columns FORM X; "
            "set data.layer to the name of theirs",
        ),
        (
            "uner",
            "1\tBob\tPER\t-\t-\n",
            ":1: expected a tag such as O, B-PER or I-PER, found 'PER' in '1\\tBob\\tPER\\t-\\t-'; "
            "are data.tag_column and data.scheme right?",
        ),
        ("conll2012", "x 0 0 a\n", ":1: expected at least 12 columns, found 4: 'x 0 0 a'"),
        (
            "conll2012",
            "x 0 0 a b * - - - - B-PER -\n",
            ":1: expected brackets of entities such as (PERSON*, *) or (ORG) in column 10, found 'B-PER'",
        ),
        (
            "conll2012",
            "x 0 0 a b * - - - - *) -\n",
            ":1: expected a bracket that was opened before it is closed, found '*)'",
        ),
        (
            "conll2012",
            "x 0 0 a b * - - - - (PER* -\n",
            ":1: expected an entity that ends in its sentence, found PER without its `)`",
        ),
    ],
)
def test_a_row_that_is_not_as_it_should_be_is_refused_with_its_place(put, name, content, message):
    path = put(content)
    with pytest.raises(DataError) as error:
        read(path, format=name)
    assert str(error.value) == f"{path}{message}"


def test_a_choice_that_is_missing_or_wrong_is_asked_for(put):
    path = put(row(1, "Bob", "NE=B-PER|NER=B-PERSON"))
    with pytest.raises(ConfigError) as error:
        read(path)
    assert str(error.value) == (
        f'{path}: expected tags under one key of MISC, found NE and NER; set data.layer = "NE" or "NER"'
    )
    assert found(read(path, layer="NER")) == [[("PERSON", "Bob", 0)]]
    with pytest.raises(DataError) as missing:
        read(path, layer="x")
    assert str(missing.value) == f"{path}: expected the key x in MISC (data.layer), found no row with it"
    with pytest.raises(ConfigError) as layer:
        read(put(GERMEVAL), layer="x")
    assert str(layer.value) == "data.layer: expected outer or inner, found 'x'"
    plus = put("# global.columns = FORM A:NE NER\na\tO\tO\n")
    with pytest.raises(ConfigError) as columns:
        read(plus)
    assert str(columns.value) == (
        f'{plus}:1: expected one column of entities, found A:NE and NER; set data.layer = "A:NE" or "NER"'
    )


@pytest.mark.parametrize(
    ("name", "text", "label", "message"),
    [
        ("conllu", "ab", "a|b", "expected a word or tag that fits in a column, found 'B-a|b'"),
        ("conllu", "a\tb", "X", "expected a word or tag that fits in a column, found 'a\\tb'"),
        ("conll2012", "a b", "X", "expected a word that fits in a column, found 'a b'"),
        ("conll2012", "ab", "X Y", "expected a label without blanks, brackets and asterisks, found 'X Y'"),
    ],
)
def test_what_would_not_come_back_is_not_written(tmp_path, name, text, label, message):
    sentence = ner.Sentence(spelled=(text,), starts=(0,), tags=(f"B-{label}",))
    with pytest.raises(DataError) as error:
        ner.write(tmp_path / "b", [ner.Document(text, (sentence,), (ner.Entity(label, text, 0, len(text)),))], name)
    assert str(error.value) == f"document: {message}"


def test_columns_with_a_number_in_front_that_are_none_of_these_stay_columns(put):
    for content in ("1\tBob\tB-PER\n2\tran\tO\n", "1\tBob\tNNP\ta\tb\tc\td\te\tf\tB-PER\n", "a\tO\tO\tB-X\n"):
        assert name_for_reading(put(content), DataConfig()) == "conll"


@pytest.mark.skipif(not OPEN.is_dir(), reason=f"the corpora are not part of the project: no {OPEN}")
@pytest.mark.parametrize(
    ("path", "name", "counts"),
    [  # documents, sentences, tokens, entities (of both layers)
        ("uner-en-ewt/dev.iob2", "uner", (318, 2_001, 25_149, 966)),
        ("germeval2014-de/dev.tsv", "germeval", (2_200, 2_200, 41_653, 2_886)),
        ("nerkor-hu/dev.news.conllup", "conllup", (886, 886, 20_731, 800)),
    ],
)
def test_a_real_file_is_read_to_its_counts_and_written_byte_for_byte(tmp_path, path, name, counts):
    losses = Losses()
    documents = read(OPEN / path, losses)
    sentences = [sentence for document in documents for sentence in document.sentences]
    entities = sum(len(document.entities) for document in documents)
    assert (len(documents), len(sentences), sum(len(s.spelled) for s in sentences), entities) == counts
    write_documents(tmp_path / "again", documents, name, DataConfig(), losses)
    assert (tmp_path / "again").read_bytes() == (OPEN / path).read_bytes()
    assert not losses.counts
