"""What didn't fit when entities were laid over tokens: the kinds of it, and a report with the first places."""

from dataclasses import dataclass

from ner.text.sentence import Entity

# In the order of reports, each with what it means. Entities of the kinds that are dropped are in no sentence.
KINDS = {
    "out of text": "its range isn't in the text: dropped",
    "empty": "its range holds no character: dropped",
    "no token": "its range holds blanks alone: dropped",
    "nested": "it lies in an entity that is kept, or holds one: dropped",
    "overlap": "it shares characters with an entity that is kept: dropped",
    "blank edge": "it begins or ends with blanks: they are left out",
    "cut token": "it begins or ends within a token: the entity grows, or the token is split",
    "crosses sentences": "it goes on past the end of a sentence: the sentences are joined",
}
DROPPED = frozenset({"out of text", "empty", "no token", "nested", "overlap"})
_MOST_TOLD = 3  # places of a kind that a report's text names


@dataclass(frozen=True, slots=True)
class Misfit:
    """An entity that doesn't fit, and of what kind (`KINDS`) it is.

    `instead` is what stands in its place: for an entity that gave way, the one that is kept; None: nothing.
    """

    kind: str
    entity: Entity
    instead: Entity | None


@dataclass(frozen=True, slots=True)
class AlignmentReport:
    """What didn't fit when entities were laid over tokens, in the order of the text; `name` says where."""

    name: str
    misfits: tuple[Misfit, ...]

    @property
    def dropped(self) -> tuple[Entity, ...]:
        """The entities that are in no sentence."""
        return tuple(misfit.entity for misfit in self.misfits if misfit.kind in DROPPED)

    def counts(self) -> dict[str, int]:
        """How many entities there are of each kind."""
        return {kind: sum(misfit.kind == kind for misfit in self.misfits) for kind in KINDS}

    def __str__(self) -> str:
        """A line for each kind that occurs, with its first places."""
        lines = []
        for kind, count in self.counts().items():
            found = [told(misfit.entity) for misfit in self.misfits if misfit.kind == kind]
            more = ", …" if count > _MOST_TOLD else ""
            if found:
                lines.append(f"{prefix_of(self.name)}{kind}: {count} ({'; '.join(found[:_MOST_TOLD])}{more})")
        return "\n".join(lines)


def prefix_of(name: str) -> str:
    """What opens a message about a text of this name."""
    return f"{name}: " if name else ""


def told(entity: Entity) -> str:
    """An entity as a message names it."""
    return f"{entity.label} at characters {entity.start} to {entity.end}, {entity.text!r}"
