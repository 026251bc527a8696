"""Settings: their names, their defaults and what they refuse."""

import dataclasses
import re

import pytest

from seqlab import settings
from seqlab.errors import UsageError
from seqlab.models.mlp import ACTIVATIONS
from seqlab.models.recurrent import KINDS
from seqlab.settings import (
    ForecastSettings,
    LanguageSettings,
    Settings,
    StructureSettings,
    TableSettings,
    VisionSettings,
)
from seqlab.training.optimizers import OPTIMIZERS
from seqlab.training.schedules import SCHEDULES

KINDS_OF = [LanguageSettings, ForecastSettings, VisionSettings, TableSettings, StructureSettings]


@pytest.mark.parametrize("kind", KINDS_OF)
def test_settings_cannot_be_changed_and_have_a_default_each(kind: type[Settings]) -> None:
    made = kind()
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.lr = 1.0  # type: ignore[misc]
    assert settings.saved(kind, {"settings": dataclasses.asdict(made)}) == made


@pytest.mark.parametrize("kind", KINDS_OF)
def test_the_help_names_every_setting(kind: type[Settings]) -> None:
    said = re.findall(r"\w+", re.sub(r"\([^)]*\)", "", settings.described(kind).partition(": ")[2]))
    assert said == sorted(one.name for one in dataclasses.fields(kind))


def test_the_choices_are_what_there_is() -> None:
    """This file imports no torch, so the names are written twice: here they are compared."""
    assert set(settings.CELLS) == set(KINDS)
    assert set(settings.OPTIMIZERS) == set(OPTIMIZERS)
    assert set(settings.SCHEDULES) == set(SCHEDULES)
    assert set(settings.ACTIVATIONS) == set(ACTIVATIONS)


@pytest.mark.parametrize(
    ("kind", "given", "names"),
    [
        (LanguageSettings, {"hiden_size": 3}, ["hiden_size", "hidden_size"]),
        (LanguageSettings, {"cell": "grru"}, ["cell", "gru"]),
        (LanguageSettings, {"dropout": 1.0}, ["dropout", "below 1"]),
        (ForecastSettings, {"context": 10}, ["context", "burn_in"]),
        (VisionSettings, {"patience": 3}, ["patience", "val_images"]),
        (VisionSettings, {"val_images": 9, "temperature_images": 9}, ["val_images", "temperature_images"]),
        (VisionSettings, {"temperature_images": -1}, ["temperature_images"]),
        (VisionSettings, {"lr": float("nan")}, ["lr"]),
        (TableSettings, {"activation": "rely"}, ["activation", "relu"]),
        (TableSettings, {"seed": -1}, ["seed"]),
        (StructureSettings, {"window": 1}, ["window", "2 or more"]),
        (StructureSettings, {"max_steps": None}, ["max_steps"]),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(kind: type[Settings], given: dict, names: list[str]) -> None:
    with pytest.raises(UsageError) as problem:
        settings.make(kind, given)
    said = f"{problem.value.message} {problem.value.hint}"
    assert all(name in said for name in names), said


def test_names_of_earlier_versions_are_understood() -> None:
    made = settings.make(LanguageSettings, {"recall": False, "forget": 0.1})
    assert (made.ngram_cache, made.reset_prob) == (False, 0.1)
    saved = dataclasses.asdict(made)
    saved |= {"recall": saved.pop("ngram_cache"), "forget": saved.pop("reset_prob")}
    assert settings.saved(LanguageSettings, {"settings": saved}) == made


def test_text_in_place_of_a_number_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="setting 'max_steps' is '5'"):
        settings.make(settings.TableSettings, {"max_steps": "5"})
