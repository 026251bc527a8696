"""Which encoding bytes are in, against Python's own codecs that wrote them."""

import codecs
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.data.text import charset
from seqlab.data.text.charset import UTF8, WINDOWS, Survey, is_binary, text_reader

WESTERN = {
    "French": "Le garçon a mangé une crêpe à la forêt, où l’été était déjà très chaud. « Noël » coûte 5 € à Nîmes.\n",
    "German": "Die Straße führt über die Brücke; schöne Grüße aus Köln: „Übung macht den Meister“ – ÄRGER.\n",
    "Spanish": "¿Qué pasó? ¡Mañana será otro día! El niño comió jamón en el 2º piso.\n",
    "Portuguese": "Não é verdade: as ações à vista são boas, à noite também. É ótimo.\n",
    "Icelandic": "Það er gott að vera á Íslandi þegar sólin skín. Ég á hús, þú ert góður.\n",
    "Swedish": "Å i åa ä e ö, sa han. Från sjön går vägen över älven.\n",
    "Finnish": "Yö on pitkä, hyvää päivää! Älä pelkää, ääni kuuluu.\n",
    "Catalan": "L’Ànima és una col·lecció de cançons.\n",
    "English": "He said “it’s fine” – and left… The café was closed, 20 °C, 5 m², £3.\n",
}
OTHERS = {
    "cp1251": "Привет, как дела? В лесу живёт медведь, и я его знаю.\n",
    "koi8-r": "Привет, как дела? В лесу живет медведь, и я его знаю.\n",
    "iso-8859-5": "Привет, как дела? В лесу живёт медведь, и я его знаю.\n",
    "cp866": "Привет, как дела? В лесу живёт медведь, и я его знаю.\n",
    "cp1253": "Καλημέρα κόσμε, τι κάνεις σήμερα;\n",
    "cp1255": "שלום לכולם, מה שלומכם היום?\n",
    "cp1256": "مرحبا بكم في هذا المكان الجميل.\n",
    "cp874": "สวัสดีครับ ยินดีต้อนรับ\n",
    "shift-jis": "こんにちは世界。日本語の文章です、テスト。\n",
    "euc-jp": "こんにちは世界。日本語の文章です。\n",
    "gb18030": "你好，世界。这是一个测试文件。\n",
    "big5": "你好，世界。這是一個測試文件。\n",
    "euc-kr": "안녕하세요 세계. 한국어 문장입니다.\n",
    "cp850": "Die Straße führt über die Brücke; schöne Grüße aus Köln.\n",
    "mac-roman": "Die Straße führt über die Brücke; schöne Grüße aus Köln.\n",
    "cp1250": "Zażółć gęślą jaźń, świętość życia.\n",
}
any_text = st.text(st.characters(exclude_categories=["C"]), max_size=60)


def surveyed(data: bytes, size: int = 1 << 20) -> Survey:
    survey = Survey()
    for start in range(0, len(data), size):
        survey.feed(data[start : start + size])
    survey.finish()
    return survey


@pytest.mark.parametrize("times", [1, 40])
@pytest.mark.parametrize("language", WESTERN)
def test_western_languages_are_windows_1252(language: str, times: int) -> None:
    text = WESTERN[language] * times
    survey = surveyed(text.encode("cp1252"))
    assert survey.encoding() == WINDOWS and survey.bad == survey.high == sum(not char.isascii() for char in text)
    assert survey.example() in text and not survey.example().isascii()
    latin = text.encode("cp1252").translate(None, bytes(range(0x80, 0xA0)))  # what Latin-1 has too
    assert surveyed(latin).encoding() == WINDOWS and latin.decode("latin-1") == latin.decode(WINDOWS)


@pytest.mark.parametrize("times", [1, 40])
@pytest.mark.parametrize("encoding", OTHERS)
def test_other_scripts_and_systems_are_not(encoding: str, times: int) -> None:
    assert surveyed((OTHERS[encoding] * times).encode(encoding)).encoding() == ""


def test_nor_is_a_source_file_with_comments_in_another_script() -> None:
    code = "int main(void); /* {} */\n"
    for encoding in ("shift-jis", "cp1251", "gb18030"):
        text = code.format(OTHERS[encoding].strip()) * 20
        assert surveyed(text.encode(encoding)).encoding() == ""


@given(any_text, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]), st.integers(1, 9), st.booleans())
def test_what_has_a_mark_or_is_utf8_is_what_it_was(text: str, encoding: str, size: int, big: bool) -> None:
    data = text.encode(encoding)
    if big and encoding in ("utf-16", "utf-32"):
        mark = codecs.BOM_UTF16_BE if encoding == "utf-16" else codecs.BOM_UTF32_BE
        data = mark + text.encode(f"{encoding}-be")
    survey = surveyed(data, size)
    expected = text.removeprefix("\ufeff") if encoding == "utf-8" else text
    assert data.decode(survey.encoding()) == expected
    assert not is_binary(data)


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "The quick brown fox.\r\n" * 900, "Привет, мир. Как дела?\n", "你好，世界。\n"]
)
def test_utf16_without_a_mark_is_told_by_its_zeros(text: str) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert surveyed(text.encode(encoding), 64).encoding() == encoding


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00>\x00" * 50,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0",
        b"RIFF$\x08\0\0WAVEfmt \x10\0\0\0" + bytes(range(256)) * 8,
        b"text with one NUL\0 in it, and more text\n" * 4,
        b"\xff\xfe" + bytes(range(256)) * 8,  # begins with a mark, and is none
        b"".join(number.to_bytes(2, "little") for number in range(1000)),
    ],
)
def test_binary_files_are_no_text(data: bytes) -> None:
    assert is_binary(data)


@given(
    st.lists(st.sampled_from([b"\xff", b"\xe9", b"\xe2\x82", b"\n", "ä".encode(), b"a "]), max_size=30),
    st.integers(1, 7),
)
def test_bad_bytes_are_counted_and_the_first_is_found(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    survey = surveyed(data, size)
    assert survey.bad == len(data) - len(data.decode(errors="ignore").encode())
    try:
        data.decode()
        assert survey.first is None
    except UnicodeDecodeError as problem:
        before = data[: problem.start]
        assert survey.first == (before.count(b"\n") + 1, problem.start, data[problem.start])


def test_utf8_with_some_damage_stays_utf8_and_a_mixture_is_nothing_certain() -> None:
    good = "Größe, naïve: café.\n"
    assert surveyed(good.encode() * 20 + b"\xff\xfe caf\xe9").encoding() == UTF8
    assert surveyed(good.encode() * 20 + good.encode("cp1252") * 20).encoding() == ""
    assert surveyed(b"plain text \xe2\x82").cut == 2  # a character that the end cuts
    assert surveyed(b"un caf\xe9").example() == "café"


def test_what_is_judged_by_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charset, "EVIDENCE", 1000)
    survey = surveyed(WESTERN["French"].encode("cp1252") * 500, 100)
    assert len(survey.evidence) < 1200 and survey.encoding() == WINDOWS
    assert surveyed(WESTERN["French"].encode("cp1252") * 500 + b"\x81\x8d" * 5000, 100).encoding() == ""


def test_a_reader_replaces_what_is_damaged_in_utf8_alone() -> None:
    assert text_reader(io.BytesIO(b"\xef\xbb\xbfa\xff\r\n"), UTF8).read() == "a\ufffd\r\n"
    with pytest.raises(UnicodeError):
        text_reader(io.BytesIO("ab".encode("utf-16")[:-1]), "utf-16").read()
