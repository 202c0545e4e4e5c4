"""A property that is computed when it is first read, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - a decorator, as property is
    """As `functools.cached_property`, without the lock that Python 3.11 takes: a small training has seven of them.

    Example:
        >>> class Square:
        ...     side = 3
        ...
        ...     @once
        ...     def area(self) -> int:
        ...         return self.side**2
        >>> Square().area
        9
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        """Of a method without arguments."""
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> once[T]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: Any, owner: type) -> once[T] | T:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._compute(instance)
        return value
