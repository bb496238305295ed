"""La commande `labo`, pour les étudiantes et les étudiants."""

from typing import Annotated

import typer

app = typer.Typer(
    help="Les outils des laboratoires.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Les jeux de données du cours.", no_args_is_help=True)
app.add_typer(data_app, name="data")


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Sortie en JSON.")] = False,
) -> None:
    """Dire ce que cette machine permet, et quoi faire de ce qui manque.

    Code de sortie : 0 si tout va bien, 1 s'il y a quelque chose à régler.
    """
    from labo import doctor as room

    findings = room.diagnose()
    if json:
        print(room.as_json(findings))
    else:
        room.show(findings)
    raise typer.Exit(int(room.needs_attention(findings)))


@data_app.command("list")
def list_data() -> None:
    """Lister les jeux de données : où ils sont, ou ce qu'il faudrait télécharger."""
    from labo.catalogue import catalogue, find, search_path
    from labo.french import decimal

    for dataset in catalogue().values():
        paths = find(dataset)
        where = next(iter(paths.values())).parent if paths else "absent"
        size = decimal(dataset.size / 1e6, 1)
        print(f"{dataset.name:14} {size:>6} Mo  {where}\n{'':14} {dataset.description}")
    print("\nDossiers cherchés, dans l'ordre :")
    for folder in search_path():
        print(f"  {folder}")


@data_app.command()
def download(name: Annotated[str, typer.Argument(help="mnist, fashion_mnist ou cifar10")]) -> None:
    """Télécharger un jeu de données, dans le premier dossier où l'on peut écrire."""
    from labo.catalogue import catalogue, find
    from labo.download import DownloadError
    from labo.download import download as fetch

    dataset = catalogue().get(name)
    if dataset is None:
        print(f"Jeu inconnu : « {name} ». Jeux du catalogue : {', '.join(catalogue())}.")
        raise typer.Exit(2)
    try:
        paths = find(dataset) or fetch(dataset)
    except DownloadError as error:
        print(f"Échec : {error}")
        raise typer.Exit(1) from None
    print(f"{dataset.title} : {next(iter(paths.values())).parent}")
