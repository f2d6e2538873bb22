"""Users of the team server and their roles, kept by MLflow in the server's own database."""

from typing import Any

from ..errors import AfrazError, GateError, nearest
from ..tracking import refused, tracking_uri
from .authorization import WORKSPACE
from .permissions import Role

PASSWORD = "AFRAZ_USER_PASSWORD"  # noqa: S105 the name of a variable
# What MLflow's own permissions grant beside our roles, on every experiment and every registered model
_GRANTS = {Role.READER: "READ", Role.DATA_SCIENTIST: "EDIT", Role.REVIEWER: "MANAGE"}


def set_role(name: str, role: str, password: str | None = None) -> bool:
    """Give a user a role, and only this one; a user who is not known yet is created.

    Parameters
    ----------
    password : str, optional
        Of a new user, 12 characters at least; of a user who exists it is left alone.

    Returns
    -------
    bool
        Whether the user is new.

    Raises
    ------
    GateError
        For an unknown role, a new user without a password, or an administrator, who needs no role.

    Examples
    --------
    >>> set_role("sara", "reviwer")
    Traceback (most recent call last):
    ...
    afraz.errors.GateError: no role 'reviwer': did you mean reviewer?
    """
    if role not in set(Role):
        raise GateError(f"no role {role!r}: {nearest(role, Role)}")
    known = _users()
    new = name not in known
    if new and not password:
        raise GateError(f"{name} is new: give a password at the prompt or in {PASSWORD}")
    if not new and known[name]["is_admin"]:
        raise GateError(f"{name} is an administrator, who may do everything: roles are for others")
    ids = _role_ids()  # first: a user without a role may do nothing, a role without users harms nobody
    if new:
        _ask("POST", "2.0/mlflow/users/create", username=name, password=password)
    held = set() if new else _roles_of(known[name])
    if role not in held:
        _ask("POST", "3.0/mlflow/roles/assign", username=name, role_id=ids[role])
    for other in held - {role}:
        _ask("DELETE", "3.0/mlflow/roles/unassign", username=name, role_id=ids[other])
    return new


def remove_user(name: str) -> None:
    """Delete a user with the roles; what the user recorded stays."""
    if name not in _users():
        raise GateError(f"no user {name!r} on {tracking_uri()}: {nearest(name, _users())}")
    _ask("DELETE", "2.0/mlflow/users/delete", username=name)


def list_roles() -> dict[str, str]:
    """Map each user to the role."""
    return {
        name: "administrator" if user["is_admin"] else ", ".join(sorted(_roles_of(user))) or "none"
        for name, user in _users().items()
    }


def _users() -> dict[str, Any]:
    return {user["username"]: user for user in _ask("GET", "2.0/mlflow/users/list")["users"]}


def _roles_of(user: Any) -> set[str]:
    return {role["name"] for role in user["roles"]} & set(Role)


def _role_ids() -> dict[str, int]:
    """Find the three roles, making and completing those that are missing."""
    found = {role["name"]: role["id"] for role in _ask("GET", "3.0/mlflow/roles/list", workspace=WORKSPACE)["roles"]}
    for role in Role:
        if role not in found:
            found[role] = _ask("POST", "3.0/mlflow/roles/create", workspace=WORKSPACE, name=role)["role"]["id"]
        granted = _ask("GET", "3.0/mlflow/roles/permissions/list", role_id=found[role])["role_permissions"]
        for kind in {"experiment", "registered_model"} - {grant["resource_type"] for grant in granted}:
            _ask(
                "POST", "3.0/mlflow/roles/permissions/add",
                role_id=found[role], resource_type=kind, resource_pattern="*", permission=_GRANTS[role],
            )  # fmt: skip
    return found


def _ask(method: str, path: str, **fields: Any) -> dict[str, Any]:
    """Call the server's API for users; MLflow's own client for it would load the whole server."""
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request, verify_rest_response

    uri = tracking_uri()
    if not uri.startswith("http"):
        raise AfrazError(f"users live on a team server: set MLFLOW_TRACKING_URI to its http… (now {uri.split(':')[0]})")
    sent: dict[str, Any] = {"params": fields} if method == "GET" else {"json": fields}
    try:
        answer = http_request(get_default_host_creds(uri), f"/api/{path}", method, **sent)
        expected = 204 if answer.status_code == 204 else 200
        return dict(verify_rest_response(answer, path, expected).json()) if answer.content else {}
    except MlflowException as error:
        raise GateError(refused(error) or f"the team server says: {error.message.splitlines()[0]}") from None
