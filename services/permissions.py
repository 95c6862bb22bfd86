"""Who may do what: deny by default."""

from __future__ import annotations

from services.errors import Forbidden, Unauthenticated
from store.tables import Image, User


def member(viewer: User | None) -> User:
    """The viewer, if signed in.

    Raises:
        Unauthenticated: nobody is signed in.
    """
    if viewer is None:
        raise Unauthenticated("sign in first")
    return viewer


def admin(viewer: User | None) -> User:
    """The viewer, if an administrator.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: the viewer is no administrator.
    """
    if not member(viewer).is_admin:
        raise Forbidden("this is for administrators")
    return member(viewer)


def is_admin(viewer: User | None) -> bool:
    """Whether the viewer is an administrator; for what others are not told."""
    return viewer is not None and viewer.is_admin


def may_see(viewer: User | None, image: Image) -> bool:
    """An image is seen by its owner and by administrators."""
    return viewer is not None and (viewer.is_admin or image.owner_id == viewer.id)
