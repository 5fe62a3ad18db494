"""Made sentences in other languages, of two classes in turn: what a town does, and a garden."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from tabular import write_csv

SENTENCES: Mapping[str, tuple[str, ...]] = {
    "de": (
        "Der Stadtrat von Kassel hat am Montag über die neue Brücke gesprochen, aber nicht "
        "entschieden.",
        "Im Garten hinter dem Haus wachsen die Rosen nur langsam, weil es nicht mehr regnet.",
        "Frau Weber will mit dem Bürgermeister reden, bevor die Schule in Bremen geschlossen wird.",
        "Anna hat die Tomaten gegossen und danach den Apfelbaum am Zaun geschnitten.",
    ),
    "fr": (
        "Le conseil de Dijon a parlé lundi du nouveau pont, mais il n'a pas encore voté.",
        "Dans le jardin derrière la maison, les roses poussent lentement parce qu'il ne pleut pas.",
        "Madame Moreau veut parler avec le maire avant que l'école de Nantes ne soit fermée.",
        "Anna a arrosé les tomates et elle a ensuite taillé le pommier près de la clôture.",
    ),
    "ar": (
        "تحدث مجلس المدينة يوم الاثنين عن الجسر الجديد لكنه لم يقرر بعد.",
        "تنمو الورود في الحديقة خلف المنزل ببطء لأن المطر لم ينزل منذ أسابيع.",
    ),
    "zh": (
        "市议会星期一讨论了新桥的问题，但是还没有决定。",
        "房子后面花园里的玫瑰长得很慢，因为几个星期没有下雨了。",
    ),
}

_FRENCH = (
    ("Anna Moreau", "Le jardinier", "Notre voisine de Nantes", "Monsieur Petit"),
    ("n'a pas encore vu", "a cherché hier", "voulait montrer à Paul", "n'aime plus"),
    ("les roses dans le jardin", "la recette avec du beurre", "le marteau sur l'établi"),
    ("parce qu'il pleuvait à Lyon.", "et elle est partie pour Dijon."),
)


def french(count: int) -> list[str]:
    """Sentences with names, stop words and negations; what they speak of changes by turns."""
    parts = product(_FRENCH[0], _FRENCH[1], _FRENCH[3], _FRENCH[2])
    return [f"{who} {does} {what} {end}" for who, does, end, what in parts][:count]


def labelled(path: Path, texts: Sequence[str], classes: Sequence[str]) -> str:
    """A file of these texts, the classes in turn."""
    rows = [(text, classes[i % len(classes)]) for i, text in enumerate(texts)]
    return write_csv(path, [("text", "label"), *rows])
