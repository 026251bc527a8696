"""Where the folders of classes are: parts of many names, doubled folders, and folders that may be either."""

from pathlib import Path

import pytest

from seqlab.data.images.layout import find_parts, part_of
from seqlab.errors import DataError
from tests.data.images.test_folder import classes, picture, read


def found(folder: Path) -> tuple[list[str], list[str]]:
    """The parts, as paths in the folder, and the notes."""
    notes: list[str] = []
    return [one.relative_to(folder).as_posix() for one in find_parts(folder, notes)], notes


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("Training", "Testing"),
        ("Train", "Test"),
        ("TRAIN", "Val"),
        ("train", "validation"),
        ("train", "valid"),
        ("train", "dev"),
        ("training_set", "test_set"),
        ("TrainSet", "TestSet"),
        ("Training Data", "Testing Data"),
        ("train_images", "test-images"),
        ("train2017", "val2017"),
        ("seg_train", "seg_test"),
        ("asl_alphabet_train", "asl_alphabet_test"),
    ],
)
def test_the_parts_may_be_called_as_people_call_them(tmp_path: Path, train: str, test: str) -> None:
    classes(tmp_path / train, cat=4, dog=4)
    for index in range(2):
        picture(tmp_path / test / "dog" / f"{index}.png", 77 + index)
    data = read(tmp_path)
    assert (data.classes, data.drawn) == (("cat", "dog"), False)
    assert (len(data.images), data.test_labels.tolist()) == (8, [1, 1])
    assert any("not tested: cat" in note for note in data.notes)
    named = any(f"{train}/ is to train on, {test}/ is the test part" in note for note in data.notes)
    assert named == ((train, test) != ("train", "test"))


def test_names_that_only_contain_such_a_word_are_no_parts(tmp_path: Path) -> None:
    assert part_of("trains") == ("", "trains") and part_of("contest")[0] == "" and part_of("validity")[0] == ""
    assert part_of("train_vs_test")[0] == "" and part_of("bullet_train") == ("train", "bullet")
    classes(tmp_path / "bullet_train", day=3, night=3)  # a class with folders in it, and no bullet_test beside it
    classes(tmp_path / "bus", red=3, green=3)
    assert found(tmp_path) == (["."], [])


@pytest.mark.parametrize("top", ["archive/archive", "dataset/Dataset/data"])
def test_a_doubled_folder_is_gone_down(tmp_path: Path, top: str) -> None:
    classes(tmp_path / top, cat=5, dog=5)
    (tmp_path / "__MACOSX" / "archive").mkdir(parents=True)
    (tmp_path / ".ipynb_checkpoints").mkdir()
    for name in (".DS_Store", "Thumbs.db", "readme.txt"):
        (tmp_path / name).write_bytes(b"other")
    parts, notes = found(tmp_path)
    assert parts == [top] and any(top in note for note in notes)
    assert read(tmp_path).sha256 == read(tmp_path / top).sha256


def test_parts_may_be_doubled_themselves_and_lie_deeper(tmp_path: Path) -> None:
    classes(tmp_path / "intel" / "seg_train" / "seg_train", sea=3, street=3)
    classes(tmp_path / "intel" / "seg_test" / "seg_test", street=2)
    picture(tmp_path / "intel" / "seg_pred" / "seg_pred" / "1.png", 5)
    parts, notes = found(tmp_path)
    assert parts == ["intel/seg_train/seg_train", "intel/seg_test/seg_test"]
    assert any("not read" in note and "seg_pred" in note for note in notes)


def test_the_only_class_of_a_test_part_is_not_gone_down(tmp_path: Path) -> None:
    classes(tmp_path / "train", cat=3, dog=3)
    classes(tmp_path / "test" / "cat", indoor=2, outdoor=1)
    assert read(tmp_path).test_labels.tolist() == [0, 0, 0]


def test_images_beside_the_only_folder_stop_the_way_down(tmp_path: Path) -> None:
    classes(tmp_path / "cat", indoor=2, outdoor=2)
    picture(tmp_path / "loose.png", 1)
    with pytest.raises(DataError, match="only one class, cat"):
        read(tmp_path)


@pytest.mark.parametrize(
    "tops", [("fold1", "fold2", "fold3"), ("batch_a", "batch_b"), ("Testing", "data"), ("color", "grey"), ("7", "8")]
)
def test_twins_of_class_folders_are_refused_with_both_names(tmp_path: Path, tops: tuple[str, ...]) -> None:
    for top in tops:
        classes(tmp_path / top, cat=2, dog=2, emu=2)
    with pytest.raises(DataError, match="same names") as error:
        found(tmp_path)
    assert all(name in error.value.message for name in (*tops[:2], "cat, dog, emu"))
    assert f"FOLDER/{tops[0]}" in error.value.hint and "train and test" in error.value.hint


def test_classes_with_folders_of_the_same_names_are_refused_as_nobody_can_tell(tmp_path: Path) -> None:
    for top in ("cat", "dog"):
        classes(tmp_path / top, indoor=2, outdoor=2)
    with pytest.raises(DataError, match="indoor, outdoor") as error:
        found(tmp_path)
    assert "if cat and dog are, put their images right into these" in error.value.hint
    for top in ("cat", "dog"):
        classes(tmp_path / "by class" / top, train=2, test=2)
    with pytest.raises(DataError) as error:
        found(tmp_path / "by class")
    assert "FOLDER/train/cat" in error.value.hint


def test_twins_are_found_in_any_case_and_in_doubled_folders_and_a_part_by_one_class(tmp_path: Path) -> None:
    classes(tmp_path / "a" / "site1", Cat=2, Dog=2)
    classes(tmp_path / "a" / "site2", cat=2, dog=2)
    classes(tmp_path / "b" / "site1" / "site1", cat=2, dog=2)
    classes(tmp_path / "b" / "site2" / "site2", cat=2, dog=2)
    classes(tmp_path / "c" / "Testing", cat=2)
    classes(tmp_path / "c" / "pictures", cat=2, dog=2)
    for top in "abc":
        with pytest.raises(DataError, match=r"same names, [Cc]at"):
            found(tmp_path / top)
    classes(tmp_path / "d" / "test", images=2)  # the test and the control group, perhaps
    classes(tmp_path / "d" / "control", images=2)
    assert found(tmp_path / "d") == (["."], [])


def test_a_train_without_a_test_beside_a_twin_is_refused(tmp_path: Path) -> None:
    for top in ("train", "hold_out"):
        classes(tmp_path / top, cat=2, dog=2)
    with pytest.raises(DataError, match="hold_out and train"):
        found(tmp_path)


def test_classes_may_have_folders_that_share_few_names(tmp_path: Path) -> None:
    classes(tmp_path / "cat", images=2, kittens=2, empty=0)
    classes(tmp_path / "dog", images=2, puppies=2, empty=0)
    picture(tmp_path / "emu" / "images" / "1.png", 4)
    assert found(tmp_path) == (["."], [])


def test_parts_that_cannot_be_told_apart_are_named(tmp_path: Path) -> None:
    for top in ("Train", "training", "test"):
        classes(tmp_path / top, cat=2, dog=2)
    with pytest.raises(DataError, match="Train, training"):
        found(tmp_path)
    (tmp_path / "Train").rename(tmp_path / "train")  # which is the name itself
    parts, notes = found(tmp_path)
    assert parts == ["train", "test"] and any("not read" in note and "training" in note for note in notes)


def test_a_test_and_a_val_alone_lack_a_train(tmp_path: Path) -> None:
    for top in ("test", "val"):
        classes(tmp_path / top, cat=2, dog=2)
    with pytest.raises(DataError, match="test, val and no train/"):
        found(tmp_path)


def test_class_folders_of_the_parts_may_differ_in_case(tmp_path: Path) -> None:
    classes(tmp_path / "train", **{"Hot_Dog": 3, "Pizza": 3})
    classes(tmp_path / "test", **{"hot dog": 2, "pizza": 1})
    data = read(tmp_path)
    assert data.classes == ("Hot_Dog", "Pizza") and data.test_labels.bincount().tolist() == [2, 1]
    assert any("test/hot dog is read as Hot_Dog" in note for note in data.notes)


def test_letters_of_both_cases_are_classes_of_their_own(tmp_path: Path) -> None:
    classes(tmp_path / "train", A=3, a=4)
    classes(tmp_path / "test", A=1, a=2)
    data = read(tmp_path)
    assert data.labels.bincount().tolist() == [3, 4] and data.test_labels.bincount().tolist() == [1, 2]
    assert any("nearly the same: A, a" in note for note in data.notes)


def test_images_without_folders_of_classes_are_counted_and_labels_named(tmp_path: Path) -> None:
    for index in range(3):
        picture(tmp_path / f"{index}.png", index)
    (tmp_path / "labels.csv").write_text("file,label\n0.png,cat\n")
    with pytest.raises(DataError, match="3 images and no folders") as error:
        read(tmp_path)
    assert "labels.csv" in error.value.hint and "FOLDER/cat/1.jpg" in error.value.hint
