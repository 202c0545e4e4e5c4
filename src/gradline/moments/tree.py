"""Adds the sums of numbered chunks in a fixed binary tree, whoever made them and wherever.

Chunk 2i is added to chunk 2i + 1, the sum of those to that of the next two, and so on; what has no partner at the
end is added from the right. A run of consecutive chunks can be added up by itself as far as the tree allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, Protocol, TypeVar


class Counted(Protocol):
    """Sums over some rows."""

    @property
    def rows(self) -> int:
        """How many."""
        ...


SumsT = TypeVar("SumsT", bound=Counted)


class Node(NamedTuple, Generic[SumsT]):
    """The sum of 2**level chunks, the first of which is number place·2**level."""

    level: int
    place: int
    sums: SumsT


class Tree(Generic[SumsT]):
    """What has been added so far, as few nodes as the tree allows."""

    def __init__(self, merge: Callable[[SumsT, SumsT], SumsT], nodes: Iterable[Node[SumsT]] = ()) -> None:
        self._merge = merge
        self.nodes: list[Node[SumsT]] = list(nodes)

    @property
    def chunks(self) -> int:
        """How many chunks have been added."""
        return sum(1 << node.level for node in self.nodes)

    def add(self, node: Node[SumsT]) -> None:
        """Take in the next chunk, or the next run of them."""
        while node.place % 2 and self.nodes and self.nodes[-1][:2] == (node.level, node.place - 1):
            left = self.nodes.pop()
            node = Node(node.level + 1, node.place // 2, self._merge(left.sums, node.sums))
        self.nodes.append(node)

    def total(self) -> SumsT | None:
        """The sum of everything, None of nothing."""
        if not self.nodes:
            return None
        *rest, last = self.nodes
        sums = last.sums
        for node in reversed(rest):
            sums = self._merge(node.sums, sums)
        return sums
