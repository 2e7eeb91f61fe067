"""The import contract "domain privacy", for import-linter: domains meet at their faces alone.

A domain is a package of central with a `service.py`. Another domain may import only its `service`,
`notices` and `errors`; and where A calls B, B answers A by a notice: the calls make no circle. The
places where domains are put together (wiring, routers, commands, ...) lie above all domains and are
free.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output
from importlinter.domain import fields

FACES = frozenset({"service", "notices", "errors"})


class DomainPrivacy(Contract):
    """Options: `root`, the package whose domains are meant."""

    root = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find imports past a face, and circles of calls."""
        del verbose
        root = str(self.root)
        modules = [name for name in graph.modules if name.startswith(f"{root}.")]
        domains = sorted(name.removesuffix(".service") for name in modules if _is_service(name))
        calls: dict[str, set[str]] = {domain: set() for domain in domains}
        past: list[str] = []
        for importer in sorted(modules):
            own = _domain_of(importer, domains)
            if own is None:
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                other = _domain_of(imported, domains)
                if other is None or other == own:
                    continue
                calls[own].add(other)
                if imported.removeprefix(other).lstrip(".") not in FACES:
                    past.append(f"{importer} -> {imported}")
        circle = _circle(calls)
        return ContractCheck(
            kept=not past and not circle, metadata={"past": past, "circle": circle}
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import that is not allowed."""
        for line in check.metadata["past"]:
            output.print_error(f"past the face of a domain: {line}")
        if check.metadata["circle"]:
            circle = " -> ".join(check.metadata["circle"])
            output.print_error(f"domains call each other; let one answer by a notice: {circle}")


def _is_service(module: str) -> bool:
    return module.endswith(".service")


def _domain_of(module: str, domains: list[str]) -> str | None:
    return next((d for d in domains if module == d or module.startswith(f"{d}.")), None)


def _circle(calls: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as problem:
        return [str(domain) for domain in problem.args[1]]
    return []
