"""MLflow's ``authorization_function``: who is it, and may they do what they ask? Runs inside the team server.

MLflow calls it before every request, whether Flask or FastAPI serves it; what it lets pass still has to pass MLflow's
own permissions. A request is judged by the rule that will serve it and by the message that the handler will read, not
by the text of its address: prefixes, versions of the API and ways to write JSON lead to the same judgement.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from .permissions import FILES, VERSION, Call, Role, is_decided, refusal

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.datastructures import Authorization

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_GRAPHQL = "_graphql"
WORKSPACE = "default"  # where MLflow keeps roles on a server without workspaces


def authorize() -> "Authorization | Response":
    """Authenticate by MLflow's users, then hold the request against the user's role.

    Returns
    -------
    Authorization or Response
        The user's name and password if the request may go on, else the answer: 401, or 403 with MLflow's error as JSON.
    """
    from flask import Response, g, request
    from mlflow.server.auth import authenticate_request_basic_auth, make_basic_auth_response

    if "afraz_authorization" not in g:  # MLflow asks again in each of its own checks of the same request
        named = request.authorization is not None and request.authorization.type == "basic"
        found = authenticate_request_basic_auth() if named else make_basic_auth_response()
        said = None if isinstance(found, Response) else _refusal_for(str(found.username))
        g.afraz_authorization = found if said is None else _forbidden(said)
    return g.afraz_authorization


def _refusal_for(username: str) -> str | None:
    from mlflow.server.auth import store

    user = store.get_user(username)
    if user.is_admin:
        return None
    held = {role.name for role in store.list_user_roles_for_workspace(user.id, WORKSPACE)} & set(Role)
    if not held:
        return f"{username} has no role: an administrator gives one (afraz server-user {username} --role reader)"
    said = [refusal(Role(name), _call()) for name in sorted(held)]
    if None in said:
        return None
    return f"{username} is {' and '.join(sorted(held))} here: {said[-1]} (mlflow/README.md, Team server)"


def _call() -> Call:
    """Read the request as the handler will."""
    from flask import request

    rule = request.url_rule
    if rule is None:  # served by FastAPI, or by nobody
        return Call(f"{request.method} {request.path}", writes=request.method not in _READS)
    if rule.endpoint == _GRAPHQL:
        return Call("a GraphQL mutation", writes=_has_mutation())
    if request.method in _READS:
        return Call(rule.endpoint, writes=False)
    message = _messages().get((rule.rule, request.method))
    if message is None:
        return Call(rule.endpoint, decided=rule.endpoint in FILES and _is_evidence(dict(request.args)))
    return _call_with(message, dict(request.view_args or {}))


def _call_with(message: type, in_path: dict[str, Any]) -> Call:
    name = message.__name__
    if name in VERSION:
        return _call_on_version(message)
    if name == "CreateExperiment":
        return Call(name, places=bool(_read(message).artifact_location))
    return Call(name, decided=name in FILES and _is_evidence(in_path))


def _read(message: type) -> Any:
    """Read the body as the handler will, with its defaults and its other spellings of a field."""
    from mlflow.server.handlers import _get_request_message

    return _get_request_message(message())


def _call_on_version(message: type) -> Call:
    from mlflow.server.handlers import _get_model_registry_store

    asked = _read(message)
    fields = {field.name for field, _ in asked.ListFields()}
    tags = tuple(tag.key for tag in asked.tags) if "tags" in fields else ()
    if "key" in fields:
        tags = (asked.key,)
    decided = False
    if message.__name__ != "CreateModelVersion":
        version = _get_model_registry_store().get_model_version(asked.name, asked.version)
        decided = is_decided(version.aliases, version.tags)
    return Call(message.__name__, tags=tags, describes=message.__name__ == "UpdateModelVersion", decided=decided)


def _is_evidence(asked: dict[str, Any]) -> bool:
    """Tell whether a file would go to a run with a version that was decided on, named by its id or in a path."""
    from mlflow.server.handlers import _get_model_registry_store
    from mlflow.utils.uri import validate_path_is_safe

    path = validate_path_is_safe(asked.get("artifact_path", ""))  # decoded as the handler will
    named = [asked.get("run_uuid", ""), *path.split("/")]
    store = _get_model_registry_store()
    for run in {part for part in named if re.fullmatch(r"[0-9a-f]{32}", part)}:
        if any(is_decided(v.aliases, v.tags) for v in store.search_model_versions(f"run_id = '{run}'")):
            return True
    return False


def _has_mutation() -> bool:
    """Tell whether a GraphQL document holds anything but queries; what cannot be read counts as one."""
    from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
    from mlflow.server.handlers import _get_request_json

    asked = _get_request_json()
    try:
        document = parse(asked["query"])
    except (GraphQLError, KeyError, TypeError):
        return True
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return any(node.operation is not OperationType.QUERY for node in operations)


@cache
def _messages() -> dict[tuple[str, str], type]:
    """Map each rule and method of the server to the message of MLflow's API that it serves."""
    from mlflow.server.handlers import get_endpoints

    found: dict[tuple[str, str], type] = {}
    for rule, message, methods in get_endpoints(lambda message: message):
        if hasattr(message, "DESCRIPTOR"):  # a few routes have a function only
            for method in methods:
                found.setdefault((rule, method), message)
    return found


def _forbidden(said: str) -> "Response":
    from flask import jsonify

    answer = jsonify({"error_code": "PERMISSION_DENIED", "message": said})
    answer.status_code = 403
    return answer
