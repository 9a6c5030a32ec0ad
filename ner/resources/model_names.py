"""What the files of a model directory are called, and those of a published one."""

NEEDED = ("config.json", "vocabulary.json", "model.safetensors", "metrics.json")
ARRAYS = "vocabulary.safetensors"
CARD = "README.md"
CALIBRATION = "calibration.json"
CURVES = "learning-curves.png"
MANIFEST = "manifest.json"  # of a model that is published: its name, version and licence, and the digests of its files
ENCODER = "encoder"  # the folder of a pretrained encoder that was copied into it
FILES = (*NEEDED, ARRAYS, "history.jsonl", CARD, "entities.json", CALIBRATION, CURVES, MANIFEST, ENCODER)
HUB = "hf://"  # opens the name of a model of a hub
# Of a card: what follows is told of each model that is made of this one, too.
TERMS = "\n## Licence and attribution\n\n"
