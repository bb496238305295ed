"""The documentation as a site: `make docs` builds it into build/docs, warnings being errors.

The labs are put there as students receive them, as pages to read: solutions are never opened here.
"""

import json
import tomllib
import unicodedata
from collections import defaultdict
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from sphinx.application import Sphinx

from grader.notebook import concepts

ROOT = Path(__file__).resolve().parent.parent
LABS = ROOT / "docs" / "labs"  # written at each build, ignored by git
NOTIONS = ROOT / "docs" / "notions.toml"
READ_ONLY = (
    "```{note}\nCette page se lit ; le laboratoire se fait dans le notebook, où chaque exercice a "
    "sa vérification ([mode d'emploi](../etudiants.md)).\n```"
)

project = "Laboratoires d'apprentissage profond"
author = "L'équipe du cours"
extensions = ["myst_parser"]
exclude_patterns = ["node_modules"]
source_suffix = {".md": "markdown"}

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
# In a lab, a heading may stand inside a cell of its own, two levels below the last one.
suppress_warnings = ["myst.header"]

# The theme's own words: students read these pages too. Sphinx has some in French; the others:
language = "fr"
LOCALES = ROOT / "build" / "locales"
locale_dirs = [str(LOCALES)]
WORDS = {
    "Back to top": "Haut de la page",
    "Edit this page": "Modifier cette page",
    "Home": "Accueil",
    "Made with ": "Fait avec ",
    "Next": "Suivant",
    "On this page": "Sur cette page",
    "Please activate JavaScript to enable the search functionality.": (
        "La recherche a besoin de JavaScript."
    ),
    "Previous": "Précédent",
    "Skip to content": "Aller au contenu",
    "View this page": "Voir cette page",
}
LABELS = {  # which the theme writes into its pages as they are
    "Toggle Light / Dark / Auto color theme": "Thème clair, sombre ou automatique",
    "Toggle site navigation sidebar": "Plan du site",
    "Toggle table of contents sidebar": "Plan de la page",
    "<title>Contents</title>": "<title>Sommaire</title>",
    "<title>Expand</title>": "<title>Déplier</title>",
    "<title>Light mode</title>": "<title>Thème clair</title>",
    "<title>Dark mode</title>": "<title>Thème sombre</title>",
    "<title>Auto light/dark, in light mode</title>": "<title>Automatique, clair à présent</title>",
    "<title>Auto light/dark, in dark mode</title>": "<title>Automatique, sombre à présent</title>",
}

html_theme = "furo"
html_title = project
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
# MathJax comes from its usual address when a page is read, or from npm where `make docs` found it.
MATHJAX = ROOT / "docs" / "node_modules" / "mathjax" / "es5" / "tex-svg-full.js"
if MATHJAX.is_file():  # this one needs no fonts
    html_static_path = [str(MATHJAX)]
    mathjax_path = MATHJAX.name


def write_words() -> None:
    """The catalogue of the theme's words, where Sphinx looks for it."""
    catalogue = Catalog(locale=language)
    for english, french in WORDS.items():
        catalogue.add(english, french)
    folder = LOCALES / language / "LC_MESSAGES"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "sphinx.mo").open("wb") as file:
        write_mo(file, catalogue)


write_words()  # here: Sphinx reads catalogues before it calls `setup`


def translate_labels(app: Sphinx, error: Exception | None) -> None:
    """Put French in the place of what no catalogue reaches."""
    for path in Path(app.outdir).rglob("*.html"):
        text = found = path.read_text("utf-8")
        for english, french in LABELS.items():
            text = text.replace(english, french)
        if text != found:
            path.write_text(text, "utf-8")


def write_labs(app: Sphinx) -> None:
    """A page for each lab, and their list."""
    labs = sorted((ROOT / "labs").glob("*/*.ipynb"))
    notebooks = {path.stem: json.loads(path.read_text("utf-8")) for path in labs}
    for path in labs:
        _write(LABS / f"{path.stem}.md", _page(notebooks[path.stem]))
        shared = path.with_name("notations.md")  # the same beside every lab
        _write(LABS / shared.name, shared.read_text("utf-8"))
    _write(LABS / "notions.md", _notions(notebooks))
    pages = [*notebooks, "notations", "notions"]
    names = "\n".join(pages)
    _write(
        LABS / "index.md",
        "# Les laboratoires\n\nÀ lire en ligne, tels qu'ils sont remis aux étudiantes et aux "
        f"étudiants.\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n",
    )
    for page in LABS.glob("*.md"):
        if page.stem not in ("index", *pages):
            page.unlink()


def _page(notebook: dict) -> str:
    cells = [_cell(cell) for cell in notebook["cells"]]
    return "\n\n".join([cells[0], READ_ONLY, *cells[1:]]) + "\n"


def _cell(cell: dict) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    return f"````ipython3\n{source}\n````"


def _notions(notebooks: dict[str, dict]) -> str:
    """The index of notions: what each is, where it is introduced, where it serves again."""
    places = defaultdict(list)
    for lab, notebook in notebooks.items():
        for cell in notebook["cells"]:
            for notion in concepts(cell):
                if lab not in places[notion]:
                    places[notion].append(lab)
    meanings = tomllib.loads(NOTIONS.read_text("utf-8"))
    rows = [
        f"| **{notion}** | {meaning} | {', '.join(map(_link, places[notion]))} |"
        for notion, meaning in sorted(meanings.items(), key=lambda pair: _plain(pair[0]))
    ]
    head = (
        "# Index des notions\n\nPour chaque notion, ce qu'elle veut dire, et les laboratoires dont "
        "un exercice ou une question s'y attache : le premier l'introduit.\n\n"
        "| notion | ce que c'est | laboratoires |\n|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def _link(lab: str) -> str:
    number = lab.removeprefix("laboratoire_").removeprefix("0") or "0"
    return f"[{number if number.isdigit() else number.upper().replace('TP', 'TP ')}]({lab}.md)"


def _plain(word: str) -> str:
    """Without accents, as a French index is sorted."""
    return unicodedata.normalize("NFD", word).encode("ascii", "ignore").decode().lower()


def _write(path: Path, text: str) -> None:
    if (
        not path.is_file() or path.read_text("utf-8") != text
    ):  # what is unchanged is not built again
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", write_labs)
    app.connect("build-finished", translate_labels)
