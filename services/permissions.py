"""Who may do what: deny by default."""

from __future__ import annotations

from services.errors import Forbidden, SecondFactorRequired, Unauthenticated
from store.tables import Image, Role, User


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
        SecondFactorRequired: the viewer would be one with a second factor, which is asked for here.
    """
    viewer = member(viewer)
    if viewer.is_held_back:
        raise SecondFactorRequired("administrators need a second factor here: turn it on in your account")
    if not viewer.is_admin:
        raise Forbidden("this is for administrators")
    return viewer


def hold_back(user: User, admins_need_second_factor: bool) -> User:
    """The user, as a member where this is an administrator without the second factor that is asked for."""
    is_sure = user.second_factor_at is not None or not admins_need_second_factor
    user.is_held_back = user.role is Role.ADMIN and not is_sure
    return user


def is_admin(viewer: User | None) -> bool:
    """Whether the viewer is an administrator; for what others are not told."""
    return viewer is not None and viewer.is_admin


def may_see(viewer: User | None, image: Image) -> bool:
    """An image is seen by its owner and by administrators."""
    return viewer is not None and (viewer.is_admin or image.owner_id == viewer.id)
