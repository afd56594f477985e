"""`.pt2` archives: ordinary ones open, and in none can anything run."""

import io
import json
import pickle
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import adapter_networks as networks
import pytest
import torch
from torch import nn

from lrp_audit.adapters.formats import open_model
from lrp_audit.adapters.pt2_expressions import is_expression, is_guard, is_identifier
from lrp_audit.errors import ModelFileError, UntrustedModelError

Records = dict[str, bytes]
PROGRAM, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"
CONSTANTS, SAMPLES = "data/constants/model_constants_config.json", "data/sample_inputs/model.pt"


class Varied(nn.Module):
    """Sizes computed from sizes, a constant, a no-grad block, a dictionary, and arguments that are strings."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: torch.Tensor, *, shift: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            centred = x - torch.tensor([1.0, 2.0, 3.0, 4.0])
        h = nn.functional.gelu(self.layer(centred), approximate="tanh")
        pairs = torch.cat([h, h[1:]]).view(-1, 2).sum(dim=1)
        mean = pairs.mean() * (x.shape[0] * 0.5)
        attended, _ = self.attention(h.unsqueeze(1), h.unsqueeze(1), h.unsqueeze(1))
        return {"logits": torch.einsum("ij,kj->ik", attended.squeeze(1), self.layer.weight) + shift + mean}


def saved(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any] | None = None) -> bytes:
    rows = {0: torch.export.Dim("rows", min=4, max=4096)}
    shapes: Any = {"x": rows, **dict.fromkeys(named, rows)} if named else tuple(rows for _ in arguments)
    program = torch.export.export(module.eval(), arguments, named, dynamic_shapes=shapes)
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={"notes.txt": "anything"})
    return buffer.getvalue()


ORDINARY = {
    "residual": lambda: saved(networks.drawn(networks.Residual()), (torch.zeros(5, 4),)),
    "embeddings": lambda: saved(networks.Entities(), (torch.zeros(5, 2, dtype=torch.int64), torch.zeros(5, 3))),
    "sequential": lambda: saved(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), (torch.zeros(5, 4),)),
    "varied": lambda: saved(Varied(), (torch.randn(5, 4),), {"shift": torch.randn(5, 1)}),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_programs_open_unchanged(name: str, tmp_path: Path) -> None:
    content = ORDINARY[name]()
    (tmp_path / "model.pt2").write_bytes(content)
    opened: Any = open_model(tmp_path / "model.pt2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = torch.export.load(io.BytesIO(content))
    arguments, named = original.example_inputs
    torch.testing.assert_close(
        opened.module()(*arguments, **named), original.module()(*arguments, **named), rtol=0, atol=0
    )
    assert opened.graph_module.code == original.graph_module.code


# --- attacks ----------------------------------------------------------------------------------------------------------


class Malice:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (Path.touch, (self.marker,))


def pickled(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def program(records: Records, change: Callable[[Any], None]) -> None:
    found = json.loads(records[PROGRAM])
    change(found)
    records[PROGRAM] = json.dumps(found).encode()


def graph(found: Any) -> Any:
    return found["graph_module"]["graph"]


def sizes_everywhere(found: Any, text: str) -> None:
    """Every symbolic size reads `text`."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key == "expr_str":
                found[key] = text
            else:
                sizes_everywhere(value, text)
    elif isinstance(found, list):
        for value in found:
            sizes_everywhere(value, text)


def touch(marker: Path) -> str:
    return f"__import__('pathlib').Path('{marker}').touch()"


def pickled_weight(records: Records, marker: Path) -> None:
    config = json.loads(records[WEIGHTS])
    first = next(iter(config["config"].values()))
    first["use_pickle"] = True
    records[WEIGHTS] = json.dumps(config).encode()
    records[f"data/weights/{first['path_name']}"] = pickled(Malice(marker))


def legacy_weights(records: Records, marker: Path) -> None:
    records["data/weights/model.pt"] = pickled({"a": Malice(marker)})


def opaque_constant(records: Records, marker: Path) -> None:
    config = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
    records[CONSTANTS] = json.dumps({"config": {"thing": config}}).encode()
    records["data/constants/opaque_obj_0"] = pickle.dumps(Malice(marker))


def sample_inputs(records: Records, marker: Path) -> None:
    records[SAMPLES] = pickled(((Malice(marker),), {}))


def size_expression(records: Records, marker: Path) -> None:
    program(records, lambda found: sizes_everywhere(found, touch(marker)))


def guard(records: Records, marker: Path) -> None:
    program(records, lambda found: found.update(guards_code=[touch(marker) + " is None"]))


def guard_comment(records: Records, marker: Path) -> None:
    text = f'2 > 1 #"); {touch(marker)}; str("'
    program(records, lambda found: found.update(guards_code=[text]))


def tree_that_imports(records: Records, marker: Path) -> None:
    (marker.parent / "lrp_audit_test_harm.py").write_text(
        f"import enum, pathlib\npathlib.Path({str(marker)!r}).touch()\nclass E(enum.Enum):\n    A = 1\n"
    )
    context = json.dumps({"__enum__": True, "fqn": "lrp_audit_test_harm:E", "name": "A"})

    def change(found: Any) -> None:
        signature = found["graph_module"]["module_call_graph"][0]["signature"]
        protocol, tree = json.loads(signature["in_spec"])
        tree["children_spec"][0]["context"] = context
        signature["in_spec"] = json.dumps([protocol, tree])

    program(records, change)


def tree_with_a_factory(records: Records, marker: Path) -> None:
    tree_that_imports(records, marker)
    factory = {
        "default_factory_module": "lrp_audit_test_harm",
        "default_factory_name": "E",
        "dict_context": [],
    }

    def change(found: Any) -> None:
        signature = found["graph_module"]["module_call_graph"][0]["signature"]
        protocol, tree = json.loads(signature["in_spec"])
        tree["children_spec"][1] = {"type": "collections.defaultdict", "context": factory, "children_spec": []}
        tree["children_spec"][0]["context"] = "null"
        signature["in_spec"] = json.dumps([protocol, tree])

    program(records, change)


def node_name(records: Records, marker: Path) -> None:
    """The name of the last value holds a statement."""

    def change(found: Any) -> None:
        last = graph(found)["nodes"][-1]
        old = last["outputs"][0]["as_tensor"]["name"]
        new = f"y = {touch(marker)}; {old}"
        text = json.dumps(found).replace(json.dumps(old), json.dumps(new))
        found.clear()
        found.update(json.loads(text))

    program(records, change)


def operator(records: Records, marker: Path) -> None:
    """The last operator is a function of the operating system."""

    def change(found: Any) -> None:
        last = graph(found)["nodes"][-1]
        argument = {"name": "", "arg": {"as_string": f"touch {marker}"}, "kind": 1}
        last.update(target="torch.os.system", inputs=[argument], metadata={})

    program(records, change)


RUN_BY_TORCH = [
    pickled_weight,
    legacy_weights,
    opaque_constant,
    sample_inputs,
    size_expression,
    guard,
    tree_that_imports,
    tree_with_a_factory,
]


def attacked(attack: Callable[[Records, Path], None], folder: Path) -> tuple[Path, Path]:
    """(archive, marker its code would write)."""
    content = saved(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), (torch.zeros(5, 4),))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        records = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    marker = folder / "marker"
    attack(records, marker)
    file = folder / "model.pt2"
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in records.items():
            archive.writestr(f"model/{name}", data)
    return file, marker


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("attack", RUN_BY_TORCH, ids=lambda one: one.__name__)
def test_an_attack_that_works_on_torch_is_refused_here(
    attack: Callable[[Records, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file, marker = attacked(attack, tmp_path)
    with pytest.raises(UntrustedModelError, match="--trust-model"):
        open_model(file)
    assert not marker.exists()
    try:
        with open(file, "rb") as stream:
            torch.export.load(stream).module()(torch.zeros(5, 4))
    except Exception as error:
        print(error, file=sys.stderr)
    finally:
        sys.modules.pop("lrp_audit_test_harm", None)
    assert marker.exists(), "torch itself runs nothing of this file, so the test shows nothing"


def reads_a_file(records: Records, marker: Path) -> None:
    def change(found: Any) -> None:
        graph(found)["nodes"][-1]["target"] = "torch.ops.aten.from_file.default"

    program(records, change)


def other_operators(records: Records, marker: Path) -> None:
    program(records, lambda found: graph(found)["nodes"][-1].update(target="torch.ops.other.thing.default"))


def compiled_code(records: Records, marker: Path) -> None:
    records["data/aotinductor/model/code.so"] = b"\x7fELF"


def custom_object(records: Records, marker: Path) -> None:
    program(records, lambda found: graph(found)["inputs"].append({"as_custom_obj": {"name": "a", "class_fqn": "b"}}))


def own_types(records: Records, marker: Path) -> None:
    program(
        records, lambda found: found["graph_module"].update(treespec_namedtuple_fields={"a.B": {"field_names": []}})
    )


def odd_key(records: Records, marker: Path) -> None:
    program(records, lambda found: graph(found)["tensor_values"].update({"a b; import os": {}}))


def strange_path(records: Records, marker: Path) -> None:
    records["../../somewhere"] = b""


NOT_FORESEEN = [
    *(guard_comment, node_name, operator, reads_a_file, other_operators),
    *(compiled_code, custom_object, own_types, odd_key, strange_path),
]


@pytest.mark.parametrize("attack", NOT_FORESEEN, ids=lambda one: one.__name__)
def test_what_was_not_foreseen_is_refused(attack: Callable[[Records, Path], None], tmp_path: Path) -> None:
    file, _ = attacked(attack, tmp_path)
    with pytest.raises(UntrustedModelError):
        open_model(file)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_record_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    file, _ = attacked(lambda records, marker: None, tmp_path)
    open_model(file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(f"model/{PROGRAM}", archive.read(f"model/{PROGRAM}"))
    with pytest.raises(UntrustedModelError, match="twice"):
        open_model(file)


@pytest.mark.parametrize("record", [PROGRAM, WEIGHTS, CONSTANTS, SAMPLES, "archive_format"])
def test_an_archive_that_lacks_a_record_is_damaged(record: str, tmp_path: Path) -> None:
    file, _ = attacked(lambda records, marker: records.pop(record) and None, tmp_path)
    with pytest.raises(ModelFileError, match=r"model\.pt2") as stop:
        open_model(file)
    assert not isinstance(stop.value, UntrustedModelError)


def test_metadata_other_than_module_paths_is_dropped(tmp_path: Path) -> None:
    def change(records: Records, marker: Path) -> None:
        def edit(found: Any) -> None:
            for node in graph(found)["nodes"]:
                node["metadata"]["stack_trace"] = 'File "x"\n"""; import os'
                node["metadata"]["source_fn_stack"] = "a,torch.os.system"

        program(records, edit)

    file, _ = attacked(change, tmp_path)
    opened: Any = open_model(file)
    metadata = [node.meta for node in opened.graph.nodes if node.op == "call_function"]
    assert all("stack_trace" not in one and "source_fn_stack" not in one for one in metadata)
    assert any("Linear" in str(one["nn_module_stack"]) for one in metadata)


EXPRESSIONS = {
    "s0": True,
    "Symbol('s62', positive=True, integer=True)": True,
    "Add(Mul(Integer(2), Symbol('s62', positive=True)), Integer(-1))": True,
    "Mul(Float('0.5', precision=53), ToFloat(Symbol('s62', integer=True)))": True,
    "2*s0 + (s1 - 3)//4": True,
    "Pow(Symbol('s0'), Integer(2))": True,
    "": False,
    "x": False,
    "s0.__class__": False,
    "().__class__.__bases__[0]": False,
    "__import__('os')": False,
    "Symbol('os')": False,
    "Symbol('s0', cls=eval)": False,
    "Symbol(*s0)": False,
    "Symbol('s0', **s1)": False,
    "Float('__import__')": False,
    "lambda: 1": False,
    "[s0 for s0 in s1]": False,
    "f'{s0}'": False,
    "'s0'": False,
    "s0; s1": False,
    "s0 # comment": False,
    'Symbol("s0")': False,
    "s0\ns1": False,
    "9**9**9": False,
    "Pow(Integer(9), Integer(999999999))": False,
    "Pow(Integer(9), s0)": False,
    "(((((2**8)**8)**8)**8)**8)**8": False,
    "s0 if s1 else s2": False,
    "ｓ0": False,
    "(" * 3000: False,
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_symbolic_sizes_have_a_strict_grammar(text: str) -> None:
    assert is_expression(text) is EXPRESSIONS[text]


GUARDS = {
    "L['x'].size()[0] == L['y'].size()[0]": True,
    "2 <= L['args'][0].size()[0]": True,
    "L['x'].size()[0] % 2 == 0 and L['x'].stride()[1] == 1": True,
    "Max(L['x'].size()[0], 2) >= 2": True,
    "L['x'].__class__": False,
    "L['x'].size.__globals__": False,
    "L['x'].tolist()": False,
    "L[L['x']].size()": False,
    "L['x y'].size()[0] > 1": False,
    "L['a);b'].size()[0] > 1": False,
    "eval(L['x'])": False,
    "args[0].size()[0] > 1": False,
    "torch.load": False,
    'L["x"].size()[0] > 1': False,
    "L['x'].size()[0] > 1 # x": False,
    "L['x'].size()[0] > (y := 1)": False,
}


@pytest.mark.parametrize("text", GUARDS)
def test_guards_have_a_strict_grammar(text: str) -> None:
    assert is_guard(text) is GUARDS[text]


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("relu_1", True),
        ("_x", True),
        ("", True),
        ("__class__", False),
        ("a b", False),
        ("a=1", False),
        ("import", False),
    ],
)
def test_names_are_plain(text: str, fine: bool) -> None:
    assert is_identifier(text) is fine
