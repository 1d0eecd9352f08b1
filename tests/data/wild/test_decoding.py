"""Encodings: Unicode is read, others are shown, the right one among the few that are named."""

import pandas as pd
import pytest
from problems import refused

from ragteach import load_table
from ragteach.data.wild.decoding import encodings_that_fit

SAID = {
    "cp1252": "café, très bon, naïve, “entre guillemets”, schöne Tür",
    "cp1250": "dobrý film, příliš žluťoučký kůň",
    "cp1251": "Очень хороший фильм, мне понравился",
    "koi8_r": "Очень хороший фильм, мне понравился",
    "cp1253": "πολύ καλή ταινία, μου άρεσε",
    "cp1255": "סרט טוב מאוד, אהבתי",
    "cp1256": "فيلم جيد جدا وسيارة سريعة",
    "cp874": "ภาพยนตร์เรื่องนี้ดีมาก",
    "shift_jis": "とても良い映画でした。車が好きです",
    "euc_jp": "とても良い映画でした。車が好きです",
    "gb18030": "这部电影很好，我喜欢它",
    "big5": "這部電影很好，我喜歡它",
    "euc_kr": "영화가 정말 좋아요, 나쁘지 않다",
}


@pytest.mark.parametrize("encoding", sorted(SAID))
def test_the_encoding_of_a_text_is_among_those_that_are_named(encoding):
    raw = f"text,label\n{SAID[encoding]},good\n".encode(encoding)
    assert encodings_that_fit(raw)[0] == encoding
    line = SAID[encoding][:30]
    with refused("'utf-8'", "in line 2", f"encoding={encoding!r}) that line reads {line!r}"[:-1]):
        load_table(raw)
    read = load_table(raw.replace(b", ", b" "), encoding=encoding)
    assert read["text"][0] == SAID[encoding].replace(", ", " ")


def test_a_long_file_is_judged_by_whole_lines():
    raw = ("text,label\n" + "とても良い,good\n" * 9000).encode("shift_jis")
    assert encodings_that_fit(raw)[0] == "shift_jis"


def test_no_two_encodings_with_the_same_reading_are_named():
    with pytest.raises(ValueError, match="reads") as caught:
        load_table("text,label\n“fine”,good\n".encode("cp1252"))
    assert str(caught.value).count("that line reads") == 1


@pytest.mark.parametrize(
    ("said", "encoding"),
    [
        ("ПЛОХО. Доставка опоздала, курьер не позвонил, ёлки", "cp1251"),
        ("ПЛОХО. Доставка опоздала, курьер не позвонил, ёлки", "koi8_r"),
        ("Η παράδοση άργησε πολύ", "cp1253"),
        ("עייפה הלכה לישון בבית הקטן שלי", "cp1255"),
        ("배송이 너무 늦었고 상품이 망가졌습니다", "euc_kr"),
        ("送货太慢了，东西坏了，客服不理人", "gb18030"),
        ("配送が遅くて商品が壊れていました", "euc_jp"),
        ("過濾, 味が普通だった。とても満足しています。", "shift_jis"),
    ],
)
def test_the_likeliest_encoding_is_named_first(said, encoding):
    assert encodings_that_fit(said.encode(encoding))[0] == encoding


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_outdoes_utf_8(mark):
    raw = "text,label\ngut,ä\n".encode(mark)
    expected = pd.DataFrame({"text": ["gut"], "label": ["ä"]})
    for encoding in (None, "utf-8"):
        table = load_table(raw, encoding=encoding)
        assert table.astype(object).equals(expected.astype(object))
