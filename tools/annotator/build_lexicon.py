"""Step 4: the words that are rarely names, from the same training documents.

usage: build_lexicon.py SOURCES OUT_FILE

A word is kept if it stands in lower case more often than as a proper noun in mid-sentence, and is
long or frequent enough not to be a slip.
"""

import sys
from collections import Counter
from pathlib import Path

import build_data


def documents():
    for repo, suffix in ((build_data.EWT, ""), (build_data.GUM, ".conllu")):
        folder = "not-to-release/sources"
        texts = build_data.tree(repo, folder)
        names = build_data.show(repo, "not-to-release/file-lists/files.train").split()
        for name in names:
            if repo == build_data.GUM and name.split("_")[1] in build_data.GUM_NC | {"reddit"}:
                continue
            yield texts[f"{folder}/{name}{suffix}"] + "\n\n"


def main():
    build_data.SOURCES = Path(sys.argv[1])
    lower, proper = Counter(), Counter()
    for text in documents():
        for _, _, _, tokens in build_data.sentences(text):
            if sum(t.w[:1].islower() for t in tokens) < 0.5 * len(tokens):
                continue
            for i, t in enumerate(tokens):
                if t.w.isalpha() and t.w.islower():
                    lower[t.w] += 1
                elif t.w.isalpha() and i and t.pos == "PROPN":
                    proper[t.w.lower()] += 1
    words = sorted(w for w, n in lower.items() if n > proper[w] and (n > 1 or len(w) > 5))
    Path(sys.argv[2]).write_text("\n".join(words) + "\n", encoding="utf-8")
    print(len(words), "words")


if __name__ == "__main__":
    main()
