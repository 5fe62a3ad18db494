"""Step 3: what ships. Drops the words of the corpora from the vocabulary, describes the pipeline.

usage: finish.py MODEL OUT_DIR KEY=FIGURE ...    e.g. upos_pud=.954 entity_f=.53
"""

import json
import sys
from pathlib import Path

import spacy

SOURCES = [
    {
        "name": "UD_English-EWT 2.15 annotations",
        "url": "https://github.com/UniversalDependencies/UD_English-EWT",
        "license": "CC BY-SA 4.0",
    },
    {
        "name": "GUM (genres academic, bio, court, interview, news, speech, textbook, vlog, voyage)",
        "url": "https://github.com/UniversalDependencies/UD_English-GUM",
        "license": "annotations CC BY 4.0; texts CC BY / CC BY-SA / public domain",
    },
    {
        "name": "Universal NER UNER_English-EWT, released dev set",
        "url": "https://github.com/UniversalNER/UNER_English-EWT",
        "license": "CC BY-SA 4.0",
    },
]


def main():
    model, out, figures = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    nlp = spacy.load(model)
    labels = {label for name in nlp.pipe_names for label in nlp.get_pipe(name).labels}
    nlp.meta.update(
        name="auditkit_annotator",
        version="0.1.0",
        spacy_version=">=3.8.0,<3.9.0",
        license="CC BY-SA 4.0",
        sources=SOURCES,
        performance={key: float(value) for key, _, value in (f.partition("=") for f in figures)},
    )
    nlp.to_disk(out)
    kept = set(spacy.blank("en").vocab.strings) | labels | set(nlp.pipe_names)
    (out / "vocab" / "strings.json").write_text(json.dumps(sorted(kept)), encoding="utf-8")
    spacy.load(out)


if __name__ == "__main__":
    main()
