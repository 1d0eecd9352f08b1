"""Names that columns of texts, labels and tasks have in use, in many languages.

Enters: the name of a column.  Leaves: whether it is one of these, or ends in one.

Names are compared without case, signs and accents. Some languages write two words as one
(`Kundenbewertung`, `评论内容`): there a name may end in one of these. A name may be in use for two
roles (`category`); a weaker group counts only if no stronger one is there.
"""

from __future__ import annotations

import re
import unicodedata

# Of each role the groups, strongest first.
IN_USE = {
    "text": (
        "text texts",
        """sentence sentences review reviews reviewtext reviewbody reviewcontent comment comments
        commenttext tweet tweettext utterance document message content body question query post
        snippet fulltext rawtext cleantext tickettext
        satz nachricht kommentar bewertungstext rezension frage anfrage
        avis commentaire texte texto frase comentario comentário mensaje mensagem reseña testo
        commento recensione
        tekst recensie opmerking opinia recenzja komentarz recension anmeldelse yorum metin
        ulasan teks komentar
        текст отзыв комментарий сообщение вопрос відгук коментар κείμενο κριτική σχόλιο
        النص نص التعليق تعليق المراجعة مراجعة רסנזיה טקסט ביקורת תגובה पाठ समीक्षा टिप्पणी
        ข้อความ รีวิว ความคิดเห็น bìnhluận vănbản
        评论 文本 正文 句子 留言 評論 文字 レビュー 本文 テキスト コメント 文章 口コミ
        리뷰 텍스트 댓글 문장 후기""",
        """description utt statement article complaint transcript input prompt phrase headline title
        word string feedback beschreibung beschwerde titel titre descripción descrição descrizione
        opinión opinião rückmeldung описание жалоба 内容 內容 问题 感想 내용""",
        """subject summary betreff bewertung valoración avaliação beoordeling omdöme vurdering
        评价 評價 đánhgiá""",
    ),
    "label": (
        "label labels",
        """sentiment class target stars star rating starrating polarity intent emotion overall mood
        scenario classification y sentimentlabel labelname goldlabel classlabel
        klasse etikett stimmung bewertung sterne absicht classe étiquette etiquette étoiles
        etiqueta clase estrellas etichetta stelle sentimiento sentimento valoración puntuación
        calificación avaliação classificação rótulo valutazione voto ressenti
        sterren beoordeling ocena etykieta betyg vurdering karakter puan duygu etiket sentimen
        bintang
        метка оценка тональность класс звезды настроение эмоция оцінка ετικέτα βαθμολογία
        التصنيف تصنيف المشاعر التقييم تقييم תווית דירוג רגש लेबल भावना रेटिंग
        ป้ายกำกับ ความรู้สึก คะแนน nhãn cảmxúc
        标签 情感 情绪 星级 评分 意图 標籤 評分 ラベル 評価 感情 クラス 意図
        라벨 레이블 감정 감성 평점 별점""",
        """category score topic tag answer output gold airlinesentiment nota
        kategorie thema antwort catégorie categorie categoría categoria sujet tema kategori
        kategoria onderwerp категория категорія тема κατηγορία الفئة קטגוריה श्रेणी หมวดหมู่
        danhmục 类别 分类 主题 類別 分類 カテゴリ カテゴリー 카테고리 분류""",
        """priority severity urgency priorität prioritaet dringlichkeit priorité prioridad
        priorità приоритет 优先级 優先度 우선순위""",
    ),
    "task": (
        "task tasks",
        """domain taskname language lang dataset domainname
        aufgabe sprache domäne bereich langue domaine tâche idioma lengua dominio tarea tarefa
        lingua compito taal język språk dil bahasa
        задача язык домен мова γλώσσα اللغة المجال שפה भाषा कार्य ภาษา ngônngữ
        任务 领域 语言 任務 語言 タスク 言語 작업 언어 도메인""",
        """category productcategory source condition topic genre locale department product group
        subreddit brand airline shop store platform website
        kategorie quelle thema abteilung produkt gruppe marke geschäft laden filiale
        catégorie categorie produit groupe marque magasin categoría categoria producto produto
        prodotto grupo gruppo marca tienda loja negozio kategori kategoria mağaza
        категория категорія источник магазин товар отдел κατηγορία القسم قسم المتجر المنتج المصدر
        קטגוריה श्रेणी หมวดหมู่ สินค้า
        类目 来源 产品 商品 店铺 部门 类别 來源 類別 カテゴリ カテゴリー 店舗 部門 ジャンル 製品
        카테고리 제품 상품 매장""",
        """queue team channel market site app appid dept country region branch
        kanal markt standort
        canal équipe marché mercado canale mercato equipo equipe город команда страна 国家
        チャンネル""",
    ),
}
# What a name may end in, where two words are written as one; and what only seems to.
COMPOUNDS = """text satz nachricht kommentar rezension frage anfrage beschreibung beschwerde
    rückmeldung bewertung sterne stimmung absicht klasse kategorie thema antwort priorität
    dringlichkeit aufgabe sprache domäne bereich quelle abteilung produkt gruppe marke geschäft
    laden filiale kanal markt standort"""
NO_COMPOUNDS = """context kontext pretext hypertext subtext umsatz absatz einsatz ansatz zusatz
    ersatz datensatz steuersatz zinssatz rabattsatz prozentsatz nachfrage umfrage abfrage"""
# Of a name with these in front, the end is no text: `label_text`, `Kategorietext`.
NO_TEXT = """label labels class category target sentiment intent emotion task topic star stars
    rating klasse kategorie thema sterne punkte"""
UNSPACED = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff]")  # without accents


def bare(name: object) -> str:
    """A name without case, signs and accents.

    Example:
        >>> bare("Cate\u0301gorie "), bare("Star-Rating"), bare("Straße")
        ('categorie', 'starrating', 'strasse')
    """
    plain = unicodedata.normalize("NFKD", str(name)).casefold()
    return re.sub(r"[\W_]+", "", plain)


def _all(words: str) -> frozenset[str]:
    return frozenset(map(bare, words.split()))


LIKELY = {role: tuple(map(_all, groups)) for role, groups in IN_USE.items()}
_JOINED = _all(COMPOUNDS)
_NOT_JOINED = _all(NO_COMPOUNDS)
_NO_TEXT = _all(NO_TEXT)


def ends_in(name: object, group: frozenset[str], role: str) -> bool:
    """Whether the last word of a column's name is one of these; ``label_text`` is no text.

    Example:
        >>> texts = LIKELY["text"][0] | LIKELY["text"][1]
        >>> names = "customer_review Kundenkommentar 用户评论 context label_text Jahresumsatz"
        >>> [ends_in(name, texts, "text") for name in names.split()]
        [True, True, True, False, False, False]
    """
    spaced = unicodedata.normalize("NFKC", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name)))
    words = [bare(word) for word in re.split(r"[\s\W_]+", spaced) if bare(word)]
    *before, last = words or [""]
    end = next((word for word in sorted(group, key=len, reverse=True) if _ends(last, word)), None)
    if last in group and before:
        end = last
    elif end is not None:
        before.append(last.removesuffix(end))
    else:
        return False
    return role != "text" or not _NO_TEXT & set(before)


def _ends(word: str, end: str) -> bool:
    """Whether a word written as one ends in another one."""
    if word == end or not word.endswith(end) or any(map(word.endswith, _NOT_JOINED)):
        return False
    return end in _JOINED or (len(end) > 1 and UNSPACED.search(end) is not None)
