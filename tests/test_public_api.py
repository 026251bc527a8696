"""The public names and their signatures: people build on these. A change here is a change of the contract."""

import inspect
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import seqlab

SIGNATURES = {
    "forecast": "(data, horizon=20, **options)",
    "train_text": "(corpus, *, start=None, offline=False, **options)",
    "train_forecaster": "(data=(), *, cut=None, columns=(), kind='auto', freq=None, id=None, time=None, target=None, "
    "start=None, offline=False, **options)",
    "train_cnn": "(data, *, model=None, folds=None, size=None, data_dir=None, offline=False, **options)",
    "train_mlp": "(data, target, *, task='auto', folds=None, groups=None, time=None, test=None, **options)",
    "learning_curve": "(data, target, *, task='auto', folds=5, groups=None, time=None, **options)",
    "structure": "(data, **options)",
    "load": "(name, *, job=None, **device)",
}
CLASSES = {"Corpus", "Note", "Status", "Task"}
ERRORS = {"SeqlabError", "UsageError", "DataError", "NetworkError", "CheckpointError", "DivergenceError"}


def signature(function: object) -> str:
    found = inspect.signature(function)  # type: ignore[arg-type]
    plain = [one.replace(annotation=inspect.Parameter.empty) for one in found.parameters.values()]
    return str(found.replace(parameters=plain, return_annotation=inspect.Signature.empty))


def test_the_public_names_are_the_frozen_ones() -> None:
    assert set(seqlab.__all__) == {*SIGNATURES, *CLASSES, *ERRORS}
    assert set(seqlab.__all__) <= set(dir(seqlab))


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_signature_of_a_public_function_is_the_frozen_one(name: str) -> None:
    function = getattr(seqlab, name)
    assert signature(function) == SIGNATURES[name]
    assert function.__doc__


@pytest.mark.parametrize("name", sorted(CLASSES | ERRORS))
def test_public_classes_say_what_they_are(name: str) -> None:
    assert getattr(seqlab, name).__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="forcast"):
        seqlab.forcast  # noqa: B018
    with pytest.raises(ImportError):
        from seqlab import forcast  # noqa: F401


def test_importing_seqlab_is_quick_and_imports_no_torch() -> None:
    program = (
        "import sys, time; start = time.process_time(); import seqlab; taken = time.process_time() - start; "
        "print(taken, bool({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    found = []
    for _ in range(5):  # the quickest: other work on the machine is not seqlab's
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
        taken, heavy = done.stdout.split()
        assert heavy == "False"
        found.append(float(taken))
    assert min(found) < 0.05, found


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_misspelt_option_is_refused_with_the_closest_name(name: str) -> None:
    if name == "load":
        pytest.skip("its options are Compute's")
    given = ["AAPL"] if name not in ("train_mlp", "learning_curve") else ["rows.csv", "kind"]
    with pytest.raises(seqlab.UsageError) as problem:
        getattr(seqlab, name)(*given, hiden_size=3)
    assert "hidden_size" in problem.value.hint or name == "train_cnn"
    assert "hiden_size" in problem.value.message


@pytest.mark.parametrize("name", ["forecast", "structure", "learning_curve"])
@pytest.mark.parametrize("option", ["folder", "minutes", "epochs", "resume"])
def test_an_option_without_meaning_is_refused_where_nothing_is_kept(name: str, option: str) -> None:
    given = ["AAPL"] if name != "learning_curve" else ["rows.csv", "kind"]
    with pytest.raises(seqlab.UsageError, match=f"no option or setting '{option}'"):
        getattr(seqlab, name)(*given, **{option: 1})


def test_a_device_that_is_not_there_is_refused_whether_it_is_needed_or_not() -> None:
    for ask in (lambda: seqlab.load("linux", device="gpu"), lambda: seqlab.forecast("AAPL", offline=True, threads=0)):
        with pytest.raises(seqlab.UsageError):
            ask()


def test_two_lengths_of_a_training_are_refused() -> None:
    with pytest.raises(seqlab.UsageError, match="max_steps and --minutes"):
        seqlab.train_text("notes.txt", minutes=5, max_steps=10)


def test_a_folder_is_a_path_or_its_name(tmp_path, small_text) -> None:
    options = {"hidden_size": 8, "embedding_size": 4, "num_layers": 1, "batch_size": 4, "seq_len": 16, "max_steps": 3}
    model = seqlab.train_text(str(small_text), folder=str(tmp_path / "a"), threads=1, **options).result()
    assert model.checkpoint.folder == tmp_path / "a"
    again = seqlab.load(tmp_path / "a", threads=1)
    assert again.generate(length=20, seed=3).text == model.generate(length=20, seed=3).text


def test_a_device_or_a_length_without_meaning_is_refused_where_it_is_given() -> None:
    with pytest.raises(seqlab.UsageError):
        seqlab.load("linux", device="gpu")
    with pytest.raises(seqlab.UsageError, match="length of -1"):
        seqlab.load("linux", threads=1).generate(length=-1)


def test_what_was_repaired_stands_with_the_forecast() -> None:
    """A library user who asks for the result alone has to see it, too."""
    days = pd.date_range("2020-01-01", periods=400).append(pd.DatetimeIndex(["2020-01-05"]))
    values = np.append(100 + np.arange(400) % 7 + np.arange(400) / 50, 103.0)
    values[30] = np.nan
    series = pd.Series(values, days, name="visitors")
    answer = seqlab.forecast(series, horizon=2, origins=5, threads=1, offline=True)
    assert any("left out" in note for note in answer.notes)
    assert all(note in repr(answer) for note in answer.notes)
    assert answer.verdict in repr(answer) and "q50" in repr(answer)


def test_a_model_shows_itself_in_a_line(shared_checkpoints) -> None:
    model = seqlab.load(shared_checkpoints / "small")
    assert "TextModel 'small'" in repr(model) and len(repr(model)) < 200


def test_a_column_of_numbers_for_names_may_be_the_target(tmp_path) -> None:
    """As a DataFrame of an array has them."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)))
    model = seqlab.train_mlp(frame, 2, folder=tmp_path / "a", threads=1, max_steps=5).result()
    assert len(model.predict(frame.head())) == 5 and isinstance(model.notes, tuple)
