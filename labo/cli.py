"""La commande `labo`, pour les étudiantes et les étudiants."""

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from labo import __version__
from labo.french import did_you_mean

if TYPE_CHECKING:
    from typer._click import Command, Context

    from labo.coursework.notebook import LabNotebook

# What Typer writes around our own words.
_FRENCH = {
    "Usage: ": "Utilisation : ",
    "[OPTIONS]": "[OPTIONS…]",
    "COMMAND [ARGS]...": "COMMANDE […]",
    "Show this message and exit.": "Afficher cette aide.",
    "\nOptions:": "\nOptions :",
    "\nCommands:": "\nCommandes :",
    "\nArguments:": "\nArguments :",
}


def _in_french(text: str) -> str:
    for english, french in _FRENCH.items():
        text = text.replace(english, french)
    return text


# What says that a command was written wrongly; it is Click's, or Typer's own copy of it.
_UsageError: Any = typer.BadParameter.__base__
_EXTRA = "Got unexpected extra argument"


def _explained(error: Exception, command: str, options: Iterable[str]) -> str:
    """Ce qui ne va pas dans une commande, en français."""
    kind, option = type(error).__name__, getattr(error, "option_name", "")
    if kind == "NoSuchOption":
        problem = f"Option inconnue : {option}. {did_you_mean(option, options)}"
    elif kind == "BadOptionUsage":
        problem = f"L'option {option} est suivie d'une valeur, ou n'en a pas."
    elif str(error).startswith(_EXTRA):
        problem = f"De trop : {str(error).partition('(s) ')[2].strip('()')}."
    else:
        problem = "Cette commande est mal écrite."
    return f"{problem.strip()}\n« {command} --help » montre comment l'écrire."


@contextmanager
def _usage_explained(command: "Command", context: "Context") -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        options = [name for param in command.params for name in param.opts]
        _stop(_explained(error, context.command_path, options), code=2)


class _Command(TyperCommand):
    def get_help(self, ctx: "Context") -> str:
        return _in_french(super().get_help(ctx))

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        with _usage_explained(self, ctx):
            return super().parse_args(ctx, args)


class _Group(TyperGroup):
    def get_help(self, ctx: "Context") -> str:
        return _in_french(super().get_help(ctx))

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        with _usage_explained(self, ctx):
            return super().parse_args(ctx, args)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command":
        command = super().get_command(ctx, cmd_name)
        if command is None:
            known = self.list_commands(ctx)
            hint = did_you_mean(cmd_name, known) or f"Les commandes sont {', '.join(known)}."
            _stop(f"Commande inconnue : « {cmd_name} ». {hint}", code=2)
        return command


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Les jeux de données du cours.", cls=_Group, no_args_is_help=True)
app.add_typer(data_app, name="data")


def _print_version(asked: bool) -> None:
    if asked:
        print(f"labo {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Dire la version."),
    ] = False,
) -> None:
    """Les outils des laboratoires."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may lack ✓, and must not stop here
            stream.reconfigure(errors="replace")


@app.command(cls=_Command)
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Sortie en JSON.")] = False,
) -> None:
    """Dire ce que cette machine permet, et quoi faire de ce qui manque.

    Code de sortie : 0 si tout va bien, 1 s'il y a quelque chose à régler.

    \b
    labo doctor
    labo doctor --json
    """
    from labo.doctor import as_json, diagnose, needs_attention, show

    findings = diagnose()
    if json:
        print(as_json(findings))
    else:
        show(findings)
    raise typer.Exit(int(needs_attention(findings)))


Opened = Annotated[
    str | None, typer.Argument(metavar="[NOTEBOOK]", help="Par défaut, celui du dossier courant.")
]


@app.command(cls=_Command)
def check(path: Opened = None) -> None:
    """Exécuter ce que les vérifications d'un notebook demandent, et montrer ce qu'elles disent.

    Code de sortie : 0 si toutes réussissent, 1 sinon.

    \b
    labo check
    labo check laboratoire_01/laboratoire_01.ipynb
    """
    from labo.coursework import selfcheck

    notebook = _notebook(path)
    checks = selfcheck.check_with_progress(notebook)
    selfcheck.show(notebook, checks)
    raise typer.Exit(int(not all(checked.passed for checked in checks)))


@app.command(cls=_Command)
def submit(
    path: Opened = None,
    as_file: Annotated[
        bool, typer.Option("--file", help="Préparer un fichier à téléverser, sans le dépôt.")
    ] = False,
    student: Annotated[
        str | None, typer.Option("--as", metavar="NOM", help="Votre nom d'utilisateur au cours.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Attendre les points, là où un service corrige.")
    ] = False,
) -> None:
    """Remettre un laboratoire, et garder le reçu dans le dossier « remises ».

    On peut remettre plusieurs fois : la dernière remise compte. Enregistrez d'abord le notebook.

    \b
    labo submit
    labo submit --wait
    labo submit --file --as alice
    """
    from labo.coursework.answer import submitted
    from labo.coursework.handin import Exchange, HandinError

    notebook = _notebook(path)
    try:
        exchange = None if as_file else Exchange.here()
        if said := submitted(notebook, exchange, student, wait=wait):
            print(said)
    except HandinError as error:
        _stop(str(error), code=1)


@app.command(cls=_Command)
def feedback(path: Opened = None) -> None:
    """Aller chercher la rétroaction d'un laboratoire remis avec « labo submit ».

    \b
    labo feedback
    """
    from labo.coursework.handin import Exchange, HandinError, fetch_feedback

    notebook = _notebook(path)
    try:
        exchange = Exchange.here()
        if exchange is None:
            _stop("Ce cours n'a pas de dépôt : la rétroaction est là où vous avez remis.", code=1)
        pages = fetch_feedback(notebook.lab, exchange, notebook.path.parent / "feedback")
    except HandinError as error:
        _stop(str(error), code=1)
    if not pages:
        _stop(f"Pas encore de rétroaction pour {notebook.lab}.", code=1)
    for page in pages:
        print(page)


def _notebook(path: str | None) -> "LabNotebook":
    from labo.coursework import notebook
    from labo.coursework.notebook import NotebookError

    try:
        return notebook.read(path or notebook.current())
    except NotebookError as error:
        _stop(str(error), code=1)


@data_app.command("list", cls=_Command)
def list_data() -> None:
    """Lister les jeux de données, et où ils sont.

    \b
    labo data list
    """
    from labo.data.catalogue import catalogue, find, search_path
    from labo.french import decimal

    for dataset in catalogue().values():
        paths = find(dataset)
        where = next(iter(paths.values())).parent if paths else "absent"
        size = decimal(dataset.size / 1e6, 1)
        print(f"{dataset.name:14} {size:>6} Mo  {where}\n{'':14} {dataset.description}")
    print("\nDossiers cherchés, dans l'ordre :")
    for folder in search_path():
        print(f"  {folder}")


@data_app.command(cls=_Command)
def download(
    name: Annotated[
        str,
        typer.Argument(metavar="JEU", help="mnist, fashion_mnist ou cifar10", show_default=False),
    ] = "",
) -> None:
    """Télécharger un jeu de données.

    Il va dans le premier dossier où l'on peut écrire : « labo data list » les montre.

    \b
    labo data download mnist
    """
    from labo.data.catalogue import catalogue, find
    from labo.data.download import DownloadError
    from labo.data.download import download as fetch

    dataset = catalogue().get(name)
    if dataset is None:
        problem = f"Jeu inconnu : « {name} »." if name else "Quel jeu ?"
        hint = did_you_mean(name, catalogue()) or f"Les jeux sont {', '.join(catalogue())}."
        _stop(f"{problem} {hint}", code=2)
    try:
        paths = find(dataset) or fetch(dataset)
    except DownloadError as error:
        _stop(f"Échec : {error}", code=1)
    print(f"{dataset.title} : {next(iter(paths.values())).parent}")
