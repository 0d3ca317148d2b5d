"""What the shell completes: losses, models and datasets, by click's own mechanism."""

from collections.abc import Iterable

from click.shell_completion import CompletionItem

from kerasal_cli.loading import load_light, load_tables


def complete_losses(context, parameter, incomplete: str) -> list[CompletionItem]:
    """The losses, for the last term of a sum or a list."""
    load_tables()
    from kerasal.losses.table import LOSSES

    begun = max(incomplete.rfind(sign) for sign in "+*, ") + 1
    return _items((incomplete[:begun] + name for name in LOSSES), incomplete)


def complete_models(context, parameter, incomplete: str) -> list[CompletionItem]:
    """Classical models, trained networks and the kinds of networks; else run folders and files."""
    load_tables()
    from kerasal.model_list import all_models, ready

    return _items([*ready(), *all_models()], incomplete)


def complete_datasets(context, parameter, incomplete: str) -> list[CompletionItem]:
    """The datasets' names; else folders."""
    load_light()
    from kerasal.data import INFO

    return _items([*INFO, "synthetic"], incomplete)


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]
