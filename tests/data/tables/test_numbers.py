"""Numbers in the writings of people's files, against the numbers that were written."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.data.tables.numbers import read_numbers
from seqlab.data.tables.reader import read_table, table_of


def column(*entries: str, times: int = 8) -> tuple[pd.Series, tuple[str, ...]]:
    table = table_of(pd.DataFrame({"v": [*entries] * times, "x": range(len(entries) * times)}))
    return table.frame["v"].iloc[: len(entries)], table.notes


@pytest.mark.parametrize(
    ("entries", "values", "said"),
    [
        (["12 kWh", "13.5 kWh"], [12, 13.5], "12 kWh is read as 12"),
        (["12kg", "1,250kg"], [12, 1250], "unit"),
        (["3 yrs", "1 yr"], [3, 1], "unit"),
        (["1,5 m", "1,75 m"], [1.5, 1.75], "decimal comma"),
        (["55 m²", "60.5 m²"], [55, 60.5], "unit"),
        (["-4°C", "13 °C"], [-4, 13], "unit"),
        (["120 km/h", "80 km/h"], [120, 80], "unit"),
        (["12 kg", "13"], [12, 13], "in 8 of 16 entries"),
        (["1.2K", "3.4M"], [1200, 3.4e6], "1.2K is read as 1200"),
        (["1,2 Mio.", "3 Mrd."], [1.2e6, 3e9], "is read as 1200000"),
        (["5 million", "2 thousand"], [5e6, 2e3], "5 million is read as 5000000"),
        (["€6.5m", "€7m"], [6.5e6, 7e6], "currency"),
        (["$1.2bn", "$800m"], [1.2e9, 8e8], "currency"),
        (["US$12.50", "A$7"], [12.5, 7], "US$ are taken as the same"),
        (["12,50 kr", "100 kr"], [12.5, 100], "currency"),
        (["Rs. 1,20,000", "Rs. 5,000"], [120000, 5000], "Rs. 1,20,000 is read as 120000"),
        (["CHF 1'234.50", "CHF 5"], [1234.5, 5], "currency"),
        (["1.234,5-", "2,5"], [-1234.5, 2.5], "minus behind"),
        (["(1,234)", "56"], [-1234, 56], "parentheses"),
        (["–5", "6"], [-5, 6], ""),
        (["10,000+", "500+"], [10000, 500], "the number alone"),
        (["~12", "~13.5"], [12, 13.5], "the number alone"),
        (["5%", "0.07"], [5, 0.07], "8 of 16 entries have none"),
        (['="12"', '="345"'], [12, 345], ""),
        (["１２", "３４"], [12, 34], ""),
        (["1.234.567", "890"], [1234567, 890], "1.234.567 is read as 1234567"),
    ],
)
def test_numbers_are_read_and_what_was_left_out_is_said(entries: list[str], values: list[float], said: str) -> None:
    found, notes = column(*entries)
    assert found.tolist() == values
    assert any(said in note for note in notes) if said else notes == ()


@pytest.mark.parametrize(
    ("entries", "example"),
    [
        (["12 kg", "500 g"], "'12 kg' and '500 g'"),
        (["12.50 CR", "13.00 DR"], "'12.50 CR'"),
        (["1,234.5", "1.234,5"], "'1,234.5' and '1.234,5'"),
        (["5K", "10K"], "'5K' and '10K'"),
        (["1st", "2nd"], "'1st' and '2nd'"),
        (["<18", "18-64", ">64"], "'<18'"),
        (["$5", "free"], "'$5'"),
    ],
)
def test_numbers_that_differ_in_what_stands_around_them_are_words_and_said(entries: list[str], example: str) -> None:
    found, notes = column(*entries)
    assert found.tolist() == entries and f"like {example}" in notes[0] and "as words" in notes[0]


@pytest.mark.parametrize(
    "entries", [["12 Jan", "15 Jan"], ["9 am", "10 am"], ["12345-6789", "54321-1111"], ["1.2.3", "2.0.0"]]
)
def test_times_and_codes_are_no_numbers(entries: list[str]) -> None:
    assert column(*entries)[0].tolist() == entries


def test_limits_are_numbers_beside_many_numbers_and_words_beside_few() -> None:
    many = [f"{number}.5" for number in range(44)] + ["<0.5", "90+", "10 or more", "<0.5"]
    found, notes = column(*many, times=1)
    assert found.tolist()[-4:] == [0.5, 90, 10, 0.5] and "entries like '<0.5', 4, are read" in notes[0]
    few, notes = column("0", "1", "2", "3+")
    assert few.tolist() == ["0", "1", "2", "3+"] and "'3+'" in notes[0]
    once, notes = column(*["0", "1", "2"] * 20, "3+", times=1)
    assert once.isna().sum() == 1 and "as '3+'" in notes[0]


def test_points_that_part_thousands_elsewhere_in_a_file_part_them_everywhere(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a;b\n1.234;1.234.567\n2.345;12.345\n9.876;7.654.321\n")
    assert read_table(path).frame["a"].tolist() == [1234, 2345, 9876]
    path.write_text("a;b\n1,234;x\n2,345;y\n9,876;z\n")
    table = read_table(path)
    assert table.frame["a"].tolist() == [1.234, 2.345, 9.876] and any("1,234" in note for note in table.notes)


@given(st.text(st.sampled_from("0123456789 .,-+%$€kKmM()<>*'\"ex/"), max_size=400))
def test_any_entry_is_a_number_or_a_word_in_short_time(entry: str) -> None:
    found = read_numbers(pd.Series([entry, entry]), most=0.0)
    assert found is None or len(found.values) == 2
