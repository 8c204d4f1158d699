"""The command line trains, measures and explains, and refuses what it cannot use with a sentence and exit code 2."""

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from griddispatch.triage import app
from services.intake.core.classifier import read_classifier
from services.intake.core.lessons import lesson_of, line_of

LAMPS = [
    f"{place}路灯不亮"
    for place in ("桥头", "东门", "西巷", "河边", "村口", "学校旁", "市场里", "车站前", "北街", "南街")
]
RUBBISH = [text.replace("路灯不亮", "垃圾没收") for text in LAMPS]
ROWS = [(text, "150101") for text in LAMPS] + [(text, "140101") for text in RUBBISH]
TABLE = "body,kind,head\n" + "".join(f"{text},{label},\n" for text, label in ROWS)
NAMED = ("--text", "body", "--label", "kind", "--title", "head")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.fixture
def model(tmp_path: Path, table: Path) -> Path:
    path = tmp_path / "model.npz"
    assert run("train", table, "--out", path, *NAMED).exit_code == 0
    return path


def test_a_model_is_trained_from_a_table(model: Path) -> None:
    trained = read_classifier(model.read_bytes())
    assert (trained.target, trained.labels, trained.examples) == ("category", ("140101", "150101"), 20)
    assert trained.choose("后门路灯不亮").label == "150101"


def test_packed_tables_and_ndjson_give_the_same_model(tmp_path: Path, model: Path) -> None:
    packed, lines = tmp_path / "rows.csv.gz", tmp_path / "rows.ndjson"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + TABLE.encode()))
    lines.write_text("".join(json.dumps({"body": t, "kind": k}) + "\n" for t, k in ROWS), encoding="utf-8")
    for path in (packed, lines):
        again = tmp_path / "again.npz"
        assert run("train", path, "--out", again, *NAMED).exit_code == 0
        assert again.read_bytes() == model.read_bytes()


def test_lessons_are_learnt_beside_texts_and_overrule_them(tmp_path: Path, table: Path) -> None:
    lessons, out = tmp_path / "lessons.ndjson", tmp_path / "model.npz"
    corrected = lesson_of("桥头路灯不亮", "060101", auto="150101")
    lessons.write_bytes(line_of(corrected) + b"\n" + line_of(lesson_of("全村停电", "060101")) + b"\n")
    assert run("train", table, lessons, "--out", out, *NAMED).exit_code == 0
    trained = read_classifier(out.read_bytes())
    assert (trained.labels, trained.examples) == (("060101", "140101", "150101"), 21)


def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path, table: Path) -> None:
    table.write_text(TABLE + "没有标签,,\n", encoding="utf-8")
    result = run("train", table, "--out", tmp_path / "model.npz", *NAMED)
    assert result.exit_code == 0
    assert "20 texts, 2 labels" in result.output
    assert "left out 1 rows without a kind" in result.output


def test_a_measurement_shows_scores_confusion_and_calibration(table: Path, model: Path) -> None:
    result = run("eval", table, "--model", model, *NAMED)
    assert result.exit_code == 0
    for word in ("20 texts", "macro-F1 1.000", "150101", "confusion", "calibration", "ms a text"):
        assert word in result.output.replace("\n", " ")


def test_a_measurement_as_json_holds_everything(table: Path, model: Path) -> None:
    found = json.loads(run("eval", table, "--model", model, "--json", *NAMED).output)
    assert (found["texts"], found["macro_f1"]) == (20, 1.0)
    assert found["confusion"]["150101"] == {"140101": 0, "150101": 10}
    assert found["scores"][0] == {"label": "140101", "texts": 10, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert {"bins", "calibration_error", "median_ms", "mean_ms"} <= found.keys()


def test_what_is_held_out_of_training_is_what_is_measured(tmp_path: Path, table: Path) -> None:
    out = tmp_path / "model.npz"
    assert run("train", table, "--out", out, "--hold-out", *NAMED).exit_code == 0
    found = json.loads(run("eval", table, "--model", out, "--hold-out", "--json", *NAMED).output)
    assert found["texts"] + read_classifier(out.read_bytes()).examples == 20
    assert found["texts"] > 0


def test_labels_that_a_model_has_never_heard_of_are_found_wrong(tmp_path: Path, model: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("text,label\n路灯不亮,灯\n", encoding="utf-8")
    assert run("eval", other, "--model", model).exit_code == 1


def test_a_judgement_is_explained_with_words_and_what_the_model_heard() -> None:
    result = run("explain", "放学时候校门口全是接孩子的车，堵车堵到大桥上。")
    told = json.loads(result.output)
    assert result.exit_code == 0
    assert {"category", "category_zh", "category_en", "confidence", "urgency", "rules", "models"} <= told.keys()
    assert told["models"]["category"]["heard"]
    assert {"words.category", "model.category"} <= {rule["rule"] for rule in told["rules"]}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("rows.csv", "words,label\n路灯,a\n", "no column text; it has: words, label"),
        ("rows.csv", "", "no column label, text"),
        ("rows.csv", "text,label\n", "nothing in it"),
        ("rows.csv", 'text,label\n"路灯,a\n', "line 1: unexpected end"),
        ("rows.csv", "text,label\n路灯\n", "line 2: not as many cells"),
        ("rows.csv", "text,label\n路灯,a,b\n", "line 2: not as many cells"),
        ("rows.csv", "text,label\n路灯,\n", "0 different labels"),
        ("rows.csv", "text,label\n路灯,a\n垃圾,a\n", "1 different labels"),
        ("rows.ndjson", "[1]\n", "line 1: wants an object"),
        ("rows.ndjson", '{"text":"a","label":"b"}\n{\n', "line 2"),
        ("rows.ndjson", '{"text":"a","label":7}\n', "line 1: text, label and title must be texts"),
        ("rows.ndjson", '{"lesson":1,"label":"a"}\n', "line 1: body: bits must be"),
        ("rows.xlsx", "PK", "wants a name that ends in .csv or .ndjson"),
        ("rows.csv.gz", "no archive", "Not a gzipped file"),
    ],
)
def test_files_that_cannot_be_learnt_from_are_refused(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    result = run("train", path, "--out", tmp_path / "model.npz")
    assert result.exit_code == 2
    assert complaint in result.output
    assert not (tmp_path / "model.npz").exists()


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("text,label\n路灯,a\n".encode("gb18030"))
    result = run("train", path, "--out", tmp_path / "model.npz")
    assert (result.exit_code, "not UTF-8" in result.output) == (2, True)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run("train", tmp_path / "nowhere.csv", "--out", tmp_path / "model.npz")
    assert result.exit_code == 2
    assert "nowhere.csv: No such file" in result.output


def test_a_folder_that_is_not_there_is_said_before_anything_is_trained(tmp_path: Path, table: Path) -> None:
    result = run("train", table, "--out", tmp_path / "nowhere" / "model.npz", *NAMED)
    assert (result.exit_code, "there is no folder" in result.output) == (2, True)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path, table: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(b"no model")
    result = run("eval", table, "--model", path, *NAMED)
    assert result.exit_code == 2
    assert "is no model file" in result.output


def test_lessons_cannot_be_measured_on(tmp_path: Path, model: Path) -> None:
    path = tmp_path / "lessons.ndjson"
    path.write_bytes(line_of(lesson_of("路灯", "150101")))
    result = run("eval", path, "--model", model)
    assert (result.exit_code, "has no text any more" in result.output) == (2, True)
