#!/usr/bin/env python3
"""Step 1: DocBins with parts of speech and entities from the treebanks' repositories.

usage: build_data.py SOURCES OUT_DIR [--uner-train]

SOURCES holds clones of UD_English-EWT, UD_English-GUM, UD_English-PUD and UNER_English-EWT.
--uner-train: also use the released UNER train file. Without it EWT train has partial entities only
  (tokens that are no proper nouns = outside, proper nouns = missing), and the released UNER dev set
  is training data.
"""

import argparse, io, random, re, subprocess, tarfile
from collections import Counter
from pathlib import Path
from urllib.parse import unquote
import spacy
from spacy.tokens import Doc, DocBin, Span

EWT, GUM, PUD, UNER = "UD_English-EWT", "UD_English-GUM", "UD_English-PUD", "UNER_English-EWT"
SOURCES = Path()  # set by the command line
# GUM genres with NC (essay fiction letter podcast whow) or ND (conversation = Santa Barbara corpus) texts
GUM_NC = {"essay", "fiction", "letter", "podcast", "whow", "conversation"}


def show(repo, path):
    return subprocess.run(
        ["git", "-C", SOURCES / repo, "show", f"HEAD:{path}"], check=True, capture_output=True
    ).stdout.decode("utf8")


def tree(repo, path):
    raw = subprocess.run(
        ["git", "-C", SOURCES / repo, "archive", "HEAD", path], check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(raw)) as t:
        return {m.name: t.extractfile(m).read().decode("utf8") for m in t if m.isfile()}


# ------------------------------------------------------------------ CoNLL-U
class Tok:
    __slots__ = ("w", "ws", "pos", "xpos", "lemma", "head", "id", "ent", "rawent", "surf")

    def __init__(s, p):
        s.id, s.w, s.lemma, s.pos, s.xpos = int(p[0]), p[1], p[2], p[3], p[4]
        s.head = int(p[6])
        s.ws = "SpaceAfter=No" not in p[9]
        s.ent = "O"
        m = [x for x in p[9].split("|") if x.startswith("Entity=")]
        s.rawent = m[0][7:] if m else ""


STATS = Counter()


def sentences(text):
    """yield (sent_id, newpar, text, [Tok]); multiword tokens are split when the parts spell the surface."""
    sid = raw = None
    par = False
    toks = []
    mwt = []
    for line in text.split("\n"):
        if line.startswith("#"):
            if line.startswith("# sent_id"):
                sid = line.split("=", 1)[1].strip()
            elif line.startswith("# text ="):
                raw = line.split("=", 1)[1].strip()
            elif line.startswith("# newpar") or line.startswith("# newdoc"):
                par = True
        elif not line.strip():
            if toks:
                for a, b, surf, ws in mwt:
                    part = [t for t in toks if a <= t.id <= b]
                    if "".join(t.w for t in part) == surf:
                        for t in part[:-1]:
                            t.ws = False
                        part[-1].ws = ws
                    else:  # e.g. "it's" written its: one token, POS unknown
                        STATS["mwt_mismatch"] += 1
                        keep = part[0]
                        keep.w = surf
                        keep.ws = ws
                        keep.pos = ""
                        for t in part[1:]:
                            toks.remove(t)
                yield sid, par, raw, toks
            sid = raw = None
            par = False
            toks = []
            mwt = []
        else:
            p = line.split("\t")
            if "." in p[0]:
                continue
            if "-" in p[0]:
                a, b = map(int, p[0].split("-"))
                mwt.append((a, b, p[1], "SpaceAfter=No" not in p[9]))
                continue
            toks.append(Tok(p))


# ------------------------------------------------------------------ entity labels
LOCWORDS = set(
    """river rivers lake lakes sea ocean gulf bay strait channel island islands isle isles mountain mountains mount mt mt.
 hill hills peak valley desert coast peninsula cape beach canal creek falls forest park reserve canyon street st avenue ave road rd boulevard
 blvd highway route hwy square bridge tunnel airport station port harbor harbour stadium arena field center centre hall tower building house palace
 castle museum church cathedral mosque temple hotel hospital school library theatre theater university college earth moon mars sun continent
 africa asia europe antarctica eurasia oceania balkans scandinavia caribbean pacific atlantic mediterranean arctic antarctic siberia sahara
 himalaya himalayas alps andes east west north south midwest southwest northwest northeast southeast northern southern eastern western
 region basin plateau plains glacier volcano reef trail plaza terminal cemetery zoo garden gardens farm ranch dam mall""".split()
)


def place(words):
    w = [x.lower() for x in words]
    if (
        len(w) > 1
        and w[0] in ("north", "south", "east", "west", "northern", "southern", "eastern", "western")
        and w[-1] not in LOCWORDS
    ):
        return "GPE"  # North Korea, South Carolina, West Virginia
    return "LOC" if any(x in LOCWORDS for x in w) else "GPE"


TITLES = set(
    """president secretary minister prime king queen dr dr. mr mr. mrs mrs. ms ms. prof prof. professor senator sen. sen rep. congressman
 governor gov. general gen. gen col. colonel captain capt. lt. sgt. judge justice chief sir lord lady prince princess pope father mother mom dad
 doctor miss shah administrator congresswoman tsar tsarina master major inspector dean premier marquis mister mlle. mlle reverend nominee
 candidate coach manager deputy senior junior lieutenant sergeant commander admiral officer detective sen rep congressman commissioner
 grandma grandpa aunt uncle chancellor emperor speaker ambassador home vice mayor attorney director chairman madam st. saint bishop rev.
 reverend sheikh imam mayor mum mommy daddy god mama papa""".split()
)
LINK = {
    "of",
    "the",
    "for",
    "and",
    "&",
    "'s",
    "’s",
    "-",
    "–",
    ".",
    "de",
    "del",
    "la",
    "von",
    "van",
    "der",
    "den",
    "al",
    "bin",
    "ibn",
    "du",
    "di",
    "da",
    "le",
    "et",
    "/",
    "'",
}
NNP = ("NNP", "NNPS")


def gum_core(toks, b, e, ident=""):
    """trim a GUM mention [b,e] to a name core around its head; None when the head is not proper."""
    ids = {toks[i].id for i in range(b, e + 1)}
    heads = [i for i in range(b, e + 1) if toks[i].head not in ids]
    h = heads[0] if heads else b
    if toks[h].xpos not in NNP:  # rescue: NNP run that spells the Wikipedia identity
        if not ident:
            return None
        want = set(re.split(r"[_\W]+", unquote(ident).lower()))
        i = b
        while i <= e:
            j = i
            while j <= e and toks[j].xpos in NNP:
                j += 1
            if j > i and all(t.w.lower() in want for t in toks[i:j]):
                return i, j - 1
            i = max(j, i + 1)
        return None

    def nameish(i):
        return toks[i].xpos in NNP

    def capword(i):
        return (
            re.fullmatch(r"\d+(st|nd|rd|th)", toks[i].w)
            or toks[i].w[:1].isupper()
            and toks[i].xpos[:2] in ("JJ", "NN", "VB", "CD", "FW", "RB")
            or toks[i].xpos == "CD"
            and toks[i].w.isdigit()
        )

    lo = hi = h
    while lo > b:
        if nameish(lo - 1) or (capword(lo - 1) and lo - 1 > 0):
            lo -= 1
            continue
        j = lo - 1
        while j > b and toks[j].w.lower() in LINK and lo - j <= 3:
            j -= 1
        if (
            j < lo - 1
            and nameish(j)
            and not any(toks[k].w.lower() in ("'s", "’s", ",") for k in range(j + 1, lo))
        ):
            lo = j
            continue
        break
    while hi < e:
        if nameish(hi + 1):
            hi += 1
            continue
        j = hi + 1
        while j < e and toks[j].w.lower() in LINK - {"and", "'s", "’s"} and j - hi <= 3:
            j += 1
        if j > hi + 1 and nameish(j):
            hi = j
            continue
        break
    return lo, hi


GTYPE = {
    "person": "PERSON",
    "organization": "ORG",
    "place": "GPE",
    "event": "MISC",
    "object": "MISC",
    "abstract": "MISC",
    "substance": "MISC",
    "plant": "MISC",
    "animal": "MISC",
}
CAPT = ("event", "object", "abstract", "substance", "plant", "animal")


def gum_ner(toks):
    stack, men = [], []
    for i, t in enumerate(toks):
        for m in re.findall(r"\([^()]+\)?|[^()]+\)", t.rawent):
            if m.startswith("("):
                a = m[1:].rstrip(")").split("-", 7)
                stack.append((a[0], i, a))
                if m.endswith(")"):
                    g, b, a = stack.pop()
                    men.append((b, i, a))
            else:
                for j in range(len(stack) - 1, -1, -1):
                    if stack[j][0] == m[:-1]:
                        g, b, a = stack.pop(j)
                        men.append((b, i, a))
                        break
    cand = []
    for b, e, a in men:
        et = a[1]
        wiki = len(a) > 7
        if et == "time":
            continue
        c = gum_core(toks, b, e, a[7] if wiki else "")
        if c is None:
            if wiki:  # named by identity but no proper head: unknown
                for i in range(b, e + 1):
                    if toks[i].xpos in NNP:
                        toks[i].ent = "?"
            continue
        lo, hi = c
        lab = GTYPE[et]
        while lo < hi and toks[lo].w.lower() in ("the", "a", "an"):
            lo += 1
        if lab == "PERSON":
            words = [t.w.lower() for t in toks[lo : hi + 1]]
            if any(w in TITLES for w in words) and any(w in ("of", "for") for w in words):
                continue  # Governor of Virginia
            cut = [k for k in range(lo, hi) if toks[k].w.lower() in TITLES]
            if cut:
                lo = cut[-1] + 1
            if toks[lo].w.lower() in TITLES and lo == hi:
                continue
            if toks[hi].xpos == "NNPS" and lo == hi:
                lab = "NORP"
        if et in CAPT and not wiki:
            for i in range(lo, hi + 1):
                toks[i].ent = "?" if toks[i].xpos in NNP else toks[i].ent
            continue
        if lab == "GPE":
            lab = place([t.w for t in toks[lo : hi + 1]])
        cand.append((lo, hi, lab))
    cand.sort(key=lambda c: (-(c[1] - c[0]), c[0]))
    for lo, hi, lab in cand:
        if any(toks[i].ent[:2] in ("B-", "I-") for i in range(lo, hi + 1)):
            continue
        for i in range(lo, hi + 1):
            toks[i].ent = ("B-" if i == lo else "I-") + lab


DAYS = set(
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun mon. tue. tues. wed. thu. thur. thurs. fri. sat. sun.".split()
)
MONTHS = set(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec jan. feb. mar. apr. jun. jul. aug. sep. sept. oct. nov. dec.".split()
)
NORP_SUFFIX = r"(ian|ese|ish|can|qi|ni|li|wan|nch|eek|ean)$"
NOT_NORP = set(
    """White Black Western Eastern Southern Northern Democratic Federal Paralympic Coloured Indie South West Middle Outer Mediterranean Atlantic
 Pacific Antarctic Romantic Colonial Congressional Olympic Victorian Shakespearean Hegelian Aristotelian Pachomian Illyrian Satanic Rampant Great New
 Biblical Inner Upper Lower Stuart National Royal Central North East Public General Special International Free First Second Third High""".split()
)


def rule_labels(toks, norp_from_oth=False):
    """DATE (weekday / month [day] [, year] / bare year) and NORP (capitalised adjective lemma) by rule on gold tags."""
    i = 0
    n = len(toks)
    free = lambda k: 0 <= k < n and toks[k].ent in ("O", "?")
    while i < n:
        w = toks[i].w.lower()
        st = i
        j = i
        prop = toks[i].xpos in NNP
        if free(i) and prop and (w in DAYS or w in MONTHS) and toks[i].w[:1].isupper():
            j = i + 1
            if w in MONTHS:
                if i and free(i - 1) and re.fullmatch(r"\d{1,2}(st|nd|rd|th)?", toks[i - 1].w):
                    st = i - 1
                if j < n and free(j) and re.fullmatch(r"\d{1,2}(st|nd|rd|th)?", toks[j].w):
                    j += 1
                if (
                    j + 1 < n
                    and toks[j].w == ","
                    and re.fullmatch(r"(1[5-9]|20)\d\d", toks[j + 1].w)
                    and free(j + 1)
                ):
                    j += 2
                elif j < n and free(j) and re.fullmatch(r"(1[5-9]|20)\d\d", toks[j].w):
                    j += 1
        elif (
            free(i)
            and toks[i].pos == "NUM"
            and re.fullmatch(r"(1[5-9]|20)\d\d", w)
            and (i == 0 or toks[i - 1].w not in "$#£€")
        ):
            j = i + 1
        if j > i:
            for k in range(st, j):
                toks[k].ent = ("B-" if k == st else "I-") + "DATE"
            i = j
        else:
            i += 1
    low = sum(t.w[:1].islower() for t in toks)
    for i, t in enumerate(toks):
        if (
            t.ent in ("O", "?")
            and t.xpos == "JJ"
            and (i or re.search(NORP_SUFFIX, t.lemma))
            and low >= len(toks) * 0.4
            and t.lemma not in NOT_NORP
            and t.pos == "ADJ"
            and t.lemma[:1].isupper()
            and t.lemma[1:].islower()
            and len(t.lemma) > 3
            and t.w[:1].isupper()
        ):
            t.ent = "B-NORP"


def uner(path):
    out, sid = {}, None
    for line in show(UNER, path).split("\n"):
        if line.startswith("# sent_id"):
            sid = line.split("=", 1)[1].strip()
            out[sid] = []
        elif line[:1].isdigit():
            p = line.split("\t")
            out[sid].append((p[1], p[2]))
    return out


def apply_uner(toks, tags, gold_labels_only=False):
    """copy UNER tags on the Tok list; words are matched by character offset (MWTs, re-tokenised sentences)."""
    chars, pos = "", []
    for w, _ in tags:
        pos.append(len(chars))
        chars += w
    mine = "".join(t.w for t in toks)
    if mine.replace(" ", "") != chars.replace(" ", ""):
        STATS["uner_text_mismatch"] += 1
        return False
    b = None
    spans = []
    for (w, t), p in list(zip(tags, pos)) + [(("", "O"), len(chars))]:
        if t in ("B-O", "I-O"):
            t = "O"
        if b is not None and not t.startswith("I-"):
            spans.append((b[0], p, b[1]))
            b = None
        if t.startswith("B-") or (t.startswith("I-") and b is None):
            b = (p, t[2:])
    starts, c = [], 0
    for t in toks:
        starts.append(c)
        c += len(t.w)
    ends = starts[1:] + [c]
    for s, e, lab in spans:
        idx = [i for i in range(len(toks)) if starts[i] >= s and ends[i] <= e]
        if not idx or starts[idx[0]] != s or ends[idx[-1]] != e:
            STATS["uner_span_lost"] += 1
            continue
        words = [toks[i].w for i in idx]
        if gold_labels_only:
            L = lab
        elif lab == "PER":
            L = "PERSON"
        elif lab == "LOC":
            L = place(words)
        elif lab == "OTH":
            lt = toks[idx[-1]]
            L = (
                "NORP"
                if lt.xpos == "JJ"
                or (lt.xpos in ("NNPS",) and len(idx) == 1)
                or re.search(r"(ian|ish|ese|ans|is|ic|an)$", lt.w)
                and len(idx) == 1
                else "MISC"
            )
        else:
            L = lab
        for k, i in enumerate(idx):
            toks[i].ent = ("B-" if k == 0 else "I-") + L
    return True


# ------------------------------------------------------------------ docs
def make_doc(nlp, sents, gap):
    """sents: list of Tok lists -> reference Doc (gold tokens, original spacing)."""
    words, spaces, pos, ents = [], [], [], []
    for si, toks in enumerate(sents):
        for i, t in enumerate(toks):
            words.append(t.w)
            pos.append(t.pos)
            ents.append(t.ent)
            spaces.append(t.ws if i < len(toks) - 1 else True)
        if gap[si] == "\n":
            words.append("\n\n")
            spaces[-1] = False
            spaces.append(False)
            pos.append("SPACE")
            ents.append("O")
    spaces[-1] = False
    words = [w.replace(" ", " ").strip() or "_" if w != "\n\n" else w for w in words]
    doc = Doc(nlp.vocab, words=words, spaces=spaces)
    for t, p in zip(doc, pos):
        if p:
            t.pos_ = "X" if p == "_" else p
    spans, miss, i = [], [], 0
    while i < len(ents):
        if ents[i].startswith("B-"):
            j = i + 1
            while j < len(ents) and ents[j].startswith("I-"):
                j += 1
            spans.append(Span(doc, i, j, label=ents[i][2:]))
            i = j
        else:
            if ents[i] == "?":
                miss.append(doc[i : i + 1])
            i += 1
    doc.set_ents(spans, missing=miss, default="outside")
    return doc


class T2:  # light copy for augmentation
    __slots__ = ("w", "ws", "pos", "ent")

    def __init__(s, w, ws, pos, ent):
        s.w, s.ws, s.pos, s.ent = w, ws, pos, ent


def copy(toks):
    return [T2(t.w, t.ws, t.pos, t.ent) for t in toks]


SMALL = set(
    "a an the of in on at to for and or but by with from as vs is n't 's 'm 're 've 'd 'll ’s n’t".split()
)


def title(toks, every=False):
    o = copy(toks)
    for i, t in enumerate(o):
        if (
            t.w
            and t.w[0].islower()
            and (i == 0 or every or t.w.lower() not in SMALL)
            and not t.w.startswith(("'", "’"))
            and not (i and not o[i - 1].ws)
        ):
            t.w = t.w[0].upper() + t.w[1:]
    return o


def strip_final(o):
    while len(o) > 2 and o[-1].w in (".",):
        o.pop()
    o[-1].ws = True
    return o


AGENCY = (
    ["Reuters"] * 6
    + ["AP"] * 6
    + ["AFP"] * 2
    + [
        "UPI",
        "Bloomberg",
        "BBC",
        "CNN",
        "NPR",
        "Xinhua",
        "USATODAY.com",
        "SPACE.com",
        "Forbes.com",
        "washingtonpost.com",
        "TechWeb",
        "PC World",
        "MacCentral",
        "Ziff Davis",
    ]
)


def ag(name):
    p = name.split()
    return [T2(w, True, "PROPN", ("B-" if i == 0 else "I-") + "ORG") for i, w in enumerate(p)]


def dateline(rng, cities):
    """'Reuters - ', 'AP - ', 'CITY (Reuters) - ', 'CITY, Country (AP) - ', 'CITY - '"""
    a = ag(rng.choice(AGENCY))
    D = lambda: (
        [T2("-", True, "PUNCT", "O")] if rng.random() < 0.8 else [T2("--", True, "PUNCT", "O")]
    )
    k = rng.random()
    if k < 0.45:
        return a + D()
    c = rng.choice(cities)
    city = [
        T2(w.upper(), True, "PROPN", ("B-" if i == 0 else "I-") + "GPE") for i, w in enumerate(c)
    ]
    if k > 0.9:
        return city + D()
    if k > 0.75:
        c2 = rng.choice(cities)
        city[-1].ws = False
        city += [T2(",", True, "PUNCT", "O")] + [
            T2(w, True, "PROPN", ("B-" if i == 0 else "I-") + "GPE") for i, w in enumerate(c2)
        ]
    a[-1].ws = False
    return city + [T2("(", False, "PUNCT", "O")] + a + [T2(")", True, "PUNCT", "O")] + D()


def chunks(rng, sents, lo=1, hi=6):
    """group consecutive sentences of one document into training texts"""
    i = 0
    while i < len(sents):
        n = rng.randint(lo, hi)
        yield sents[i : i + n]
        i += n


def main():
    global SOURCES
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ap.add_argument("sources", type=Path)
    ap.add_argument("out", type=Path)
    ap.add_argument("--uner-train", action="store_true")
    ap.add_argument("--seed", type=int, default=7)
    a = ap.parse_args()
    SOURCES = a.sources
    out = a.out
    out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(a.seed)
    nlp = spacy.blank("en")
    # ---- EWT
    src = tree(EWT, "not-to-release/sources")
    ewt = {}
    for split in ("train", "dev", "test"):
        names = [
            x.strip()
            for x in show(EWT, f"not-to-release/file-lists/files.{split}").split("\n")
            if x.strip()
        ]
        ewt[split] = [
            (n, list(sentences(src["not-to-release/sources/" + n] + "\n\n"))) for n in names
        ]
        print(
            "EWT",
            split,
            len(names),
            "docs",
            sum(len(s) for _, s in ewt[split]),
            "sents",
            sum(len(s[3]) for _, d in ewt[split] for s in d),
            "words",
        )
    U = {"dev": uner("en_ewt-ud-dev.iob2"), "test": uner("en_ewt-ud-test.iob2")}
    if a.uner_train:
        U["train"] = uner("en_ewt-ud-train.iob2")
    for split, docs in ewt.items():
        for _, ss in docs:
            for sid, _, _, toks in ss:
                ok = False
                if split in U and sid in U[split]:
                    ok = apply_uner(toks, U[split][sid])
                elif split in U:
                    STATS["uner_missing_" + split] += 1
                if not ok:
                    for t in toks:
                        t.ent = (
                            "?"
                            if t.pos in ("PROPN", "X", "")
                            or t.xpos in NNP
                            or t.w[:1].isupper()
                            and t.pos not in ("PRON", "DET", "ADP", "AUX", "CCONJ", "SCONJ")
                            else "O"
                        )
                else:  # the UNER release has no OTH: other proper tokens are unknown
                    for t in toks:
                        if t.ent == "O" and t.xpos in NNP:
                            t.ent = "?"
                rule_labels(toks)
    # ---- GUM
    gsrc = tree(GUM, "not-to-release/sources")
    gum = {}
    for split in ("train", "dev", "test"):
        names = [
            x.strip()
            for x in show(GUM, f"not-to-release/file-lists/files.{split}").split("\n")
            if x.strip()
        ]
        docs = []
        for n in names:
            genre = n.split("_")[1]
            if genre == "reddit":
                continue
            ss = list(sentences(gsrc[f"not-to-release/sources/{n}.conllu"] + "\n\n"))
            if sum(set(t.w) <= {"_"} for s in ss for t in s[3]) > 20:
                STATS["gum_underscored"] += 1
                continue
            for s in ss:
                gum_ner(s[3])
                rule_labels(s[3])
            docs.append((n, ss))
        gum[split] = docs
        print(
            "GUM",
            split,
            len(docs),
            "docs",
            sum(len(s) for _, s in docs),
            "sents",
            sum(len(s[3]) for _, d in docs for s in d),
            "words",
        )
    free = lambda n: n.split("_")[1] not in GUM_NC
    pud = [("pud", list(sentences(show(PUD, "en_pud-ud-test.conllu") + "\n\n")))]
    print("PUD", len(pud[0][1]), "sents", sum(len(s[3]) for s in pud[0][1]), "words")
    # ---- write
    attrs = ["ORTH", "SPACY", "POS", "ENT_IOB", "ENT_TYPE"]

    def write(name, docs):
        DocBin(attrs=attrs, docs=docs).to_disk(out / f"{name}.spacy")
        ents = Counter(e.label_ for d in docs for e in d.ents)
        print(f"{name}: {len(docs)} docs {sum(map(len, docs))} tokens ents {dict(ents)}")

    def plain(docs):  # evaluation docs: one paragraph-ish chunk of 5 sentences
        o = []
        for _, ss in docs:
            for i in range(0, len(ss), 5):
                c = ss[i : i + 5]
                o.append(make_doc(nlp, [s[3] for s in c], [" "] * len(c)))
        return o

    train, aug = [], []
    tr_docs = [("ewt", n, s) for n, s in ewt["train"]] + [
        ("gum", n, s) for n, s in gum["train"] if free(n)
    ]
    if not a.uner_train:
        tr_docs += [("ewt", n, s) for n, s in ewt["dev"]]
    freq = Counter(tuple(ws) for _, n, ss in tr_docs for s in ss for ws in gpes(s[3]))
    cities = sorted(w for w, k in freq.items() if k > 1)
    for src_, n, ss in tr_docs:
        for c in chunks(rng, ss):
            train.append(
                make_doc(
                    nlp,
                    [s[3] for s in c],
                    [
                        "\n" if k + 1 < len(c) and c[k + 1][1] and rng.random() < 0.3 else " "
                        for k in range(len(c))
                    ],
                )
            )
        news = any(
            g in n for g in ("weblog", "newsgroup", "_news_", "_interview_", "_bio_", "_voyage_")
        )
        for c in chunks(rng, ss, 1, 3):
            L = [copy(s[3]) for s in c]
            k = rng.random()
            p_dl = 0.25 if news else 0.05
            p_t = 0.25 if news else 0.12
            did = False
            if rng.random() < p_t and 3 <= len(L[0]) <= 16:
                L[0] = strip_final(title(L[0], every=rng.random() < 0.15))
                did = True
                if rng.random() < 0.3:
                    L[0][-1].ws = True
                    x = ag(
                        rng.choice(
                            ["Reuters", "AP", "AFP", "Reuters", "AP", "SPACE.com", "Bloomberg"]
                        )
                    )
                    x[-1].ws = False
                    L[0] += [T2("(", False, "PUNCT", "O")] + x + [T2(")", True, "PUNCT", "O")]
                if len(L) > 1 and rng.random() < 0.4:
                    L[1] = dateline(rng, cities) + L[1]
            elif rng.random() < p_dl and len(L[0]) > 5:
                L[0] = dateline(rng, cities) + L[0]
                did = True
            elif k < 0.03:
                for s in L:
                    for t in s:
                        t.w = t.w.lower()
                did = True
            elif k < 0.045:
                for s in L:
                    for t in s:
                        t.w = t.w.upper()
                did = True
            if did:
                aug.append(make_doc(nlp, L, [" "] * len(L)))
    print("train docs", len(train), "augmented", len(aug), "aug tokens", sum(map(len, aug)))
    both = train + aug
    rng.shuffle(both)
    write("train", both)
    dev = plain(ewt["dev"]) if a.uner_train else []
    write("dev", dev + plain([d for d in gum["dev"]]))
    (out / "ewt_test.genres").write_text(
        "\n".join(n.split("/")[0] for n, ss in ewt["test"] for _ in range(0, len(ss), 5))
    )
    write("ewt_test", plain(ewt["test"]))
    write("gum_test", plain(gum["test"]))
    write("pud", plain_single(nlp, pud))
    write("gum_test_free", plain([d for d in gum["test"] if d[0].split("_")[1] not in GUM_NC]))
    write(
        "gum_test_news",
        plain(
            [d for d in gum["test"] if d[0].split("_")[1] in ("news", "interview", "bio", "voyage")]
        ),
    )
    # UNER test with the original three labels and PUD for POS
    for _, ss in ewt["test"]:
        for sid, _, _, toks in ss:
            for t in toks:
                t.ent = "O"
            apply_uner(toks, U["test"][sid], gold_labels_only=True)
    write("uner_test", plain(ewt["test"]))
    write("uner_test_sent", plain_single(nlp, ewt["test"]))
    if a.uner_train:
        for _, ss in ewt["dev"]:
            for sid, _, _, toks in ss:
                for t in toks:
                    t.ent = "O"
                apply_uner(toks, U["dev"][sid], gold_labels_only=True)
        write("uner_dev", plain(ewt["dev"]))
    print(dict(STATS))


def plain_single(nlp, docs):
    return [make_doc(nlp, [s[3]], [" "]) for _, ss in docs for s in ss]


def gpes(toks):
    i = 0
    while i < len(toks):
        if toks[i].ent == "B-GPE":
            j = i + 1
            while j < len(toks) and toks[j].ent == "I-GPE":
                j += 1
            if (
                j - i <= 2
                and all(t.w.isalpha() and t.w[:1].isupper() for t in toks[i:j])
                and len(toks[i].w) > 3
            ):
                yield [t.w.title() for t in toks[i:j]]
            i = j
        else:
            i += 1


if __name__ == "__main__":
    main()
