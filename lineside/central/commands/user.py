"""`lineside-central user`: users without the web, for the first day and for bad days."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from typing import Any

from sqlalchemy import delete, select

from lineside.central.commands.database import add_config_argument, opened
from lineside.central.errors import InvalidInputError
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.platform.access.policy import PERMISSIONS, ROLES
from lineside.central.platform.identity import service
from lineside.central.platform.identity.entities import LoginFailure, UserAccount


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "user",
        help="add, list, change users",
        description="Users of central. Passwords are typed or read from standard input.",
        epilog="example: lineside-central user add ada --role administrator",
    )
    acts = parser.add_subparsers(dest="act", required=True)
    add = acts.add_parser("add", help="create a user")
    add.add_argument("--role", action="append", default=[], choices=sorted(ROLES))
    add.add_argument("--grant", action="append", default=[], choices=sorted(PERMISSIONS))
    add.add_argument("--person", default="", help="opaque person id, where the user works here")
    change = acts.add_parser("password", help="set a new password; ends the user's sessions")
    grant = acts.add_parser("grant", help="give a permission beyond the roles")
    disable = acts.add_parser("disable", help="let a user sign in no more")
    for each in (add, change, grant, disable):
        each.add_argument("name")
    grant.add_argument("permission", choices=sorted(PERMISSIONS))
    for each in (add, change):
        each.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )
    listing = acts.add_parser("list", help="list users")
    listing.add_argument("--json", action="store_true", help="print JSON")
    for each in (add, change, grant, disable, listing):
        add_config_argument(each)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do one of the five."""
    password = ask_password(from_stdin=args.password_stdin) if "password_stdin" in args else ""
    with opened(args.config) as database, database.act() as work:
        if args.act == "list":
            _list(work, as_json=args.json)
            return 0
        if args.act == "add":
            service.add_user(
                work,
                name=args.name,
                password=password,
                roles=args.role,
                grants=args.grant,
                person=args.person,
            )
        else:
            _change(work, args, password)
    sys.stdout.write(f"User {args.name}: {args.act} done.\n")
    return 0


def _change(work: UnitOfWork, args: argparse.Namespace, password: str) -> None:
    user = service.find_user(work, args.name)
    if args.act == "password":
        service.change_user(work, user.id, expected=None, password=password)
        work.session.execute(delete(LoginFailure).where(LoginFailure.name == user.name))
    elif args.act == "grant":
        grants = sorted({*user.grants, args.permission})
        service.change_user(work, user.id, expected=None, grants=grants)
    else:
        service.change_user(work, user.id, expected=None, disabled=True)


def _list(work: UnitOfWork, *, as_json: bool) -> None:
    users: list[dict[str, Any]] = [
        {
            "name": user.name,
            "roles": user.roles,
            "grants": user.grants,
            "person": user.person,
            "disabled": user.disabled,
        }
        for user in work.session.scalars(select(UserAccount).order_by(UserAccount.name))
    ]
    if as_json:
        sys.stdout.write(json.dumps(users, ensure_ascii=False) + "\n")
        return
    for user in users:
        state = "disabled" if user["disabled"] else ", ".join([*user["roles"], *user["grants"]])
        sys.stdout.write(f"{user['name']:24} {state}\n")


def ask_password(*, from_stdin: bool) -> str:
    """A password: one line of standard input, or typed twice.

    Raises:
        InvalidInputError: The two differ.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise InvalidInputError("The two passwords differ.", hint="Type it again.")
    return password
