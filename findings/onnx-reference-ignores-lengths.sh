#!/bin/sh
# Package: onnx 1.23.2, onnx.reference.ReferenceEvaluator, operators LSTM, GRU and RNN (numpy 2.4.6)
# One would expect: the reference implementation heeds the input sequence_lens as the operators
#   define it: Y is zero behind the end of a sequence, Y_h is the state at its end, and the
#   backward direction begins there.
# What happens: sequence_lens is not looked at. Y, Y_h and the backward direction are those of the
#   padded batch, bit for bit, as if all sequences were as long as the longest; no error, and the
#   checker passes the model.
# Why it matters: who checks a tagger's exported graph against the reference sees a difference for
#   each sentence but the longest of a batch, and looks for the fault in the exporter. ONNX Runtime
#   heeds the lengths. Compare one sentence at a time.
# Date: 2026-11-29 (Python 3.11).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

STEPS, BATCH, INPUTS, HIDDEN = 4, 2, 3, 2
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def model(operator, weights, recurrent):
    def info(name, kind, shape):
        return helper.make_tensor_value_info(name, kind, shape)

    node = helper.make_node(
        operator, ["X", "W", "R", "", "lengths"], ["Y", "Y_h"], hidden_size=HIDDEN, direction="bidirectional"
    )
    graph = helper.make_graph(
        [node],
        "graph",
        [
            info("X", TensorProto.FLOAT, [STEPS, BATCH, INPUTS]),
            info("W", TensorProto.FLOAT, list(weights.shape)),
            info("R", TensorProto.FLOAT, list(recurrent.shape)),
            info("lengths", TensorProto.INT32, [BATCH]),
        ],
        [
            info("Y", TensorProto.FLOAT, [STEPS, 2, BATCH, HIDDEN]),
            info("Y_h", TensorProto.FLOAT, [2, BATCH, HIDDEN]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.checker.check_model(made, full_check=True)
    return made


draw = np.random.default_rng(0)
steps = draw.normal(size=(STEPS, BATCH, INPUTS)).astype(np.float32)
for operator, gates in GATES.items():
    weights = draw.normal(size=(2, gates * HIDDEN, INPUTS)).astype(np.float32)
    recurrent = draw.normal(size=(2, gates * HIDDEN, HIDDEN)).astype(np.float32)
    made = model(operator, weights, recurrent)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    found = {}
    for lengths in ([4, 4], [4, 2]):  # the second sentence is as long as the first, or half as long
        feeds = {"X": steps, "W": weights, "R": recurrent, "lengths": np.array(lengths, dtype=np.int32)}
        found["reference", lengths[1]] = ReferenceEvaluator(made).run(None, feeds)
        found["runtime", lengths[1]] = session.run(None, feeds)
    same = all(np.array_equal(a, b) for a, b in zip(found["reference", 4], found["reference", 2]))
    ends = [found[who, 2][0][2:, :, 1] for who in ("reference", "runtime")]  # behind the end of the second sentence
    print(operator, "reference: lengths change nothing:", same, "| zeros behind the end:", [not e.any() for e in ends])
    assert same and ends[0].any(), "the reference heeds sequence_lens"
    assert not ends[1].any()
    assert np.allclose(found["reference", 4][0], found["runtime", 4][0], atol=1e-5)  # else they agree
EOF
