"""Headers of many languages: what is found is shown, what is not clear is asked."""

import pandas as pd
import pytest
from problems import refused

from ragteach.data.frames import as_frame
from ragteach.data.wild.columns import ROLES, find_columns
from ragteach.data.wild.headers import IN_USE

HEADERS = {  # in any order of the columns: text, label, task
    "German": ("Bewertungstext", "Sternebewertung", "Produktkategorie"),
    "English, short": ("customer comment", "star rating", "dept"),
    "German, with other columns": ("Kundenbewertung", "Ticket-Kategorie", "Verkaufskanal"),
    "French": ("Texte", "Étoiles", "Catégorie"),
    "Spanish": ("reseña", "estrellas", "tienda"),
    "Spanish, its accents lost": ("resena", "puntuacion", "categoria"),
    "accents as signs of their own": ("resen\u0303a", "puntuacio\u0301n", "idioma"),
    "Portuguese": ("Comentário", "Classificação", "Loja"),
    "Polish": ("recenzja", "ocena", "język"),
    "Turkish": ("yorum", "puan", "mağaza"),
    "Russian": ("Отзыв", "Оценка", "Город"),
    "Greek": ("Κριτική", "Βαθμολογία", "Γλώσσα"),
    "Arabic": ("النص", "التصنيف", "القسم"),
    "Hebrew": ("ביקורת", "דירוג", "שפה"),
    "Hindi": ("समीक्षा", "भावना", "भाषा"),
    "Thai": ("รีวิว", "คะแนน", "ภาษา"),
    "Chinese": ("评论内容", "情感标签", "产品类别"),
    "Japanese": ("レビュー", "評価", "カテゴリ"),
    "Korean": ("리뷰", "감정", "상품"),
}


@pytest.mark.parametrize("text, label, task", HEADERS.values(), ids=HEADERS)
def test_headers_are_found_and_shown(text, label, task, capsys):
    names = ["id", task, label, "created_at", text]
    found = find_columns(names)
    assert (found.text, found.label, found.task) == (text, label, task)
    assert found.found == ROLES
    table = pd.DataFrame({name: [f"{name} {i % 2}" for i in range(4)] for name in names})
    as_frame(table)
    assert f"text = {text}, label = {label}, task = {task}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (["texte", "avis"], "texte, avis"),
        (["title_text", "body_text", "label"], "title_text, body_text"),
        (["Kundenkommentar", "Kundenanfrage", "Klasse"], "Kundenkommentar, Kundenanfrage"),
        (["评论内容", "商品内容", "标签"], "评论内容, 商品内容"),
    ],
)
def test_of_two_that_fit_none_is_guessed(names, asked):
    both = f"text={names[0]!r} or text={names[1]!r}"
    with refused("one column that can be the text", f"2: {asked}", both):
        find_columns(names)


@pytest.mark.parametrize("name", ["context", "Kontext", "label_text", "Kategorietext", "uhrzeit"])
def test_what_only_ends_like_a_text_is_none(name):
    with refused("a table with the columns text", name, "text='...'"):
        find_columns([name, "label"])


@pytest.mark.parametrize(
    ("text", "label", "task"),
    [("Meinung", "Note", "Ort"), ("Gesagtes", "Urteil", None), ("отклик", "балл", "откуда")],
)
def test_columns_of_unknown_names_are_proposed_by_their_values_and_not_taken(text, label, task):
    rows = range(24)
    table = pd.DataFrame({"Nr": rows, label: [i % 3 for i in rows]})
    table[text] = [f"dies und das, zum {i}. Mal" for i in rows]
    named = f"text={text!r} label={label!r}"
    if task:
        table[task] = [("Bonn", "Ulm")[i % 2] for i in rows]
        named += f" task={task!r}"
    with refused("columns text, label and task", "without text, label, task", f"perhaps {named}, "):
        as_frame(table)
    columns = {"text": text, "label": label} | ({"task": task} if task else {})
    assert len(as_frame(table, **columns)) == 24
    with refused("columns text, label", "without label", f"perhaps label={label!r}"):
        as_frame(table, text=text)


def test_numbers_under_the_name_of_a_text_are_asked_about():
    table = {"Kundenbewertung": list("54321"), "Stimmung": ["gut", "gut", "so", "so", "so"]}
    with refused("texts in the column 'Kundenbewertung'", "5 of its first 5", "text='...'"):
        as_frame(table)
    assert len(as_frame(table, text="Kundenbewertung")) == 5


def test_no_name_is_of_two_groups_of_one_role():
    for groups in IN_USE.values():
        words = " ".join(groups).split()
        assert len(words) == len(set(words))
