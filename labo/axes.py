"""Les nombres des axes, écrits avec une virgule dans les figures des notebooks."""

import sys
from typing import Any


def install(shell: Any) -> None:
    """Écrit les virgules dès que le notebook a importé matplotlib ; ne le charge pas pour cela."""

    def before_cell(_: Any) -> None:
        if "matplotlib.pyplot" in sys.modules:
            shell.events.unregister("pre_run_cell", before_cell)
            write_commas()

    if "matplotlib.pyplot" in sys.modules:
        write_commas()
    else:
        shell.events.register("pre_run_cell", before_cell)


def write_commas() -> None:
    """Donne à l'échelle « linear » de matplotlib un format par défaut à virgule."""
    from matplotlib.axis import Axis
    from matplotlib.scale import LinearScale, register_scale
    from matplotlib.ticker import ScalarFormatter

    class CommaFormatter(ScalarFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return super().__call__(x, pos).replace(".", ",")

        def get_offset(self) -> str:
            return super().get_offset().replace(".", ",")

    class CommaScale(LinearScale):
        name = "linear"

        def set_default_locators_and_formatters(self, axis: Axis) -> None:
            super().set_default_locators_and_formatters(axis)
            axis.set_major_formatter(CommaFormatter())

    register_scale(CommaScale)
